"""The write lock of an SQLite file, held as another program holds it."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hubbub.db import database

MAX_WAIT_S = 30.0


class WriteLock:
    """Refuse the writes of all other connections, from `acquire` to `release`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def acquire(self) -> None:
        """Wait, for `MAX_WAIT_S` at most, until no other connection writes.

        The wait is in a thread: a writer of this process commits by the event loop.
        """
        await asyncio.to_thread(self._connection.execute, "BEGIN IMMEDIATE")

    async def release(self) -> None:
        """End the transaction. Without one there is nothing to do."""
        self._connection.rollback()


@asynccontextmanager
async def write_lock(settings: Any) -> AsyncIterator[WriteLock]:
    """A lock of the database of these settings, released and closed at the end."""
    path = database.sqlite_path(settings.database_url)
    connection = sqlite3.connect(path, timeout=MAX_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        yield WriteLock(connection)
    finally:
        connection.close()
