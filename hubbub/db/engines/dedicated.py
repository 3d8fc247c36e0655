"""A connection outside the pool, for statements that must not wait until others release theirs."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


class DedicatedConnection:
    """The client of one connection, opened at its first use and again after an error.

    Each use takes at most `timeout_s` seconds, opening included. SQLite has a single connection:
    that one is used.
    """

    def __init__(self, client: Any, timeout_s: float) -> None:  # noqa: ANN401 - Tortoise's clients share no typed base
        self.capabilities = client.capabilities  # of the database, as Tortoise describes them
        self._client = client  # the engine's client, with the pool
        self._timeout_s = timeout_s
        self._lock = asyncio.Lock()  # held by the caller that uses the connection
        self._connection: Any = None  # None until the first use

    @asynccontextmanager
    async def acquire_connection(self) -> AsyncIterator[Any]:
        """Provide the connection to one caller at a time. Raises TimeoutError and the driver's errors."""
        if self.capabilities.dialect != "postgres":
            async with asyncio.timeout(self._timeout_s), self._client.acquire_connection() as shared:
                yield shared
            return
        async with asyncio.timeout(self._timeout_s), self._lock:
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._client.connect_outside_pool(self._timeout_s)
            try:
                yield self._connection
            except BaseException:
                # It may still be busy: another statement would wait behind the unfinished one.
                self._connection.terminate()
                raise

    async def close(self) -> None:
        """Disconnect. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):  # closed by the server meanwhile
                await connection.close(timeout=self._timeout_s)
