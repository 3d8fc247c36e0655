"""What operations need, without an instance around it: nobody is connected, nobody is told.

Instances that run on the same database find what was appended within a second, as they do after a lost
signal.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.cluster.memory import MemoryBus, MemoryPresence
from hubbub.config import Settings
from hubbub.services import assembly, database, migrations
from hubbub.services.context import Parts


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """The database, open; an SQLite one is migrated first, as `hubbub serve` does. Raises DatabaseProblem."""
    if settings.uses_sqlite:
        await migrations.up(settings)
    await migrations.open_current(settings)
    try:
        yield await assembly.build(settings, MemoryBus(), MemoryPresence())
    finally:
        await database.close()
