"""The container of operations for commands, without an instance: no connections and no signals.

Instances with the same database find the appended entries within a second, as they do after a lost signal.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hubbub.cluster import components
from hubbub.config import Settings
from hubbub.core import passwords
from hubbub.db import database, migrations
from hubbub.gateways.storage import registry as storages
from hubbub.services import container
from hubbub.services.context import Container


@asynccontextmanager
async def open_container(settings: Settings) -> AsyncIterator[Container]:
    """Open the database and provide the container. Raises DatabaseProblem.

    An SQLite database is migrated first, as `hubbub serve` does. In production, a missing secret key is
    replaced by a random one that is not kept: nothing that these commands store depends on it.
    """
    if not settings.secret_key:
        settings = settings.with_generated("secret_key", secrets.token_hex(32))
    if settings.uses_sqlite:
        await migrations.up(settings)
    await migrations.open_current(settings)
    try:
        storage = storages.build(settings)
        try:
            with passwords.normal_priority():
                yield await container.build(settings, components.in_memory(), storage)
        finally:
            await storage.close()
    finally:
        await database.close()
