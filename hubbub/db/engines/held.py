"""A pooled connection that one user keeps between statements: acquiring one takes as long as a statement."""

from types import TracebackType
from typing import Any, Self

from hubbub.core import metrics
from hubbub.db.engines import pool

MIN_POOL_SIZE = 4  # from which on one connection may be kept while others wait for the rest


class HeldConnection:
    """A connection of the pool, acquired at its first use and kept until it is released.

    It is released by its user when it is idle, and after an error. So the pool checks it like all others, and
    a failover replaces it. Of a pool of less than MIN_POOL_SIZE it is also released after a statement for
    which others wait. One statement at a time.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - Tortoise's clients share no typed base
        self.capabilities = client.capabilities  # of the database, as Tortoise describes them
        self._client = client  # the engine's client, with the pool
        self._connection: Any = None  # None while it is released

    @property
    def is_held(self) -> bool:
        """Whether a connection is kept."""
        return self._connection is not None

    def acquire_connection(self) -> Self:
        """Return the context in which a statement runs. It raises what acquiring from the pool raises."""
        metrics.counters["database_statements"] += 1
        return self

    async def __aenter__(self) -> Any:  # noqa: ANN401 - likewise
        if not self._is_usable() or self._client.unresponsive:
            await self.release()
            self._connection = await pool.acquire(self._client)
        return self._connection

    def _is_usable(self) -> bool:
        # asyncpg empties its wrapper of a connection that was closed.
        connection = self._connection
        return connection is not None and connection._con is not None and not connection.is_closed()

    async def __aexit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        connections = self._client.connections
        if error is not None or (connections.size < MIN_POOL_SIZE and connections.has_waiters):
            await self.release(error)

    async def release(self, error: BaseException | None = None) -> None:
        """Return the connection to the pool. Safe to call twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await pool.release(self._client, connection, error)
