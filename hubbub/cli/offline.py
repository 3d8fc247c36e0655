"""What operations need, without an instance around it: nobody is connected, nobody is told.

Instances that run on the same database find what was appended within a second, as they do after a lost
signal.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.cluster.memory import MemoryBus, MemoryPresence
from hubbub.config import Settings
from hubbub.core.tokens import Tokens
from hubbub.services import database, migrations
from hubbub.services.appender import Appender
from hubbub.services.context import Parts
from hubbub.services.residents import Residents
from hubbub.services.typing import Typists


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Parts]:
    """The database, open; an SQLite one is migrated first, as `hubbub serve` does. Raises DatabaseProblem."""
    if settings.uses_sqlite:
        await migrations.up(settings)
    await migrations.open_current(settings)
    try:
        bus = MemoryBus()
        yield Parts(
            settings=settings,
            bus=bus,
            presence=MemoryPresence(),
            tokens=Tokens(settings.secret_key, settings.access_token_ttl_s, settings.refresh_token_ttl_s),
            residents=Residents(settings.limit_message_send),
            appender=Appender(bus),
            typists=Typists(bus),
            epoch=await database.epoch(),
        )
    finally:
        await database.close()
