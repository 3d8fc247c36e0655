"""PostgreSQL for Tortoise: bounded waits, and transactions that always return their connection."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable
from types import TracebackType
from typing import Any

import asyncpg
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper
from tortoise.backends.base.client import (
    ConnectionWrapper,
    NestedTransactionContext,
    PoolConnectionWrapper,
    TransactionalDBClient,
    TransactionContext,
    TransactionContextPooled,
)
from tortoise.connection import ConnectionHandler, ConnectionToken, get_connections
from tortoise.exceptions import DBConnectionError, TransactionManagementError

from hubbub.core import metrics
from hubbub.db.engines import pool, pooler
from hubbub.db.engines.idle import PoolConnections
from hubbub.db.engines.writable import Hosts

log = logging.getLogger(__name__)

WRITE_CHECK_TIMEOUT_S = 2.0  # for a server to report whether it accepts writes
_ACTIVE_PIDS_QUERY = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND state = 'active'"
# A prepared statement keeps the plan that it got while its tables were small: it would read them from end to
# end when they are large, until the server has analyzed them. What is read often has an index. Without an
# index a table is still read from end to end, at a price for which the server would compile the statement.
PLANS_SQL = "SET enable_seqscan = off; SET jit = off"
_DSN_OPTIONS = ("host", "port", "user", "password", "database")


class Connection(asyncpg.Connection):
    """A connection whose session never changes, so that it needs no reset: one round trip less per use."""

    def get_reset_query(self) -> str:
        return ""


class PooledConnection(PoolConnectionWrapper[Any]):
    """Acquires with a timeout; Tortoise's class waits without limit."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - likewise
        await self.ensure_connection()
        self.connection = await pool.acquire(self.client)
        return self.connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await pool.release(self.client, self.connection, error)


class TransactionStatement(ConnectionWrapper[Any]):
    """A statement in a transaction. Its error is evaluated even if the caller handles it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        pool.close_if_unusable(_pool_client(self.client), self.connection, error)


def _pool_client(client: Any) -> Any:  # noqa: ANN401 - likewise
    """Return the client with the pool, of a transaction or a nested one."""
    while isinstance(client, Transaction):
        client = client._parent
    return client


class Transaction(TransactionWrapper):
    """A transaction that refuses statements after its end, also from tasks that were started inside."""

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        if self._finalized:
            raise TransactionManagementError("This transaction has ended.")
        metrics.counters["database_statements"] += 1
        return TransactionStatement(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))


class PooledTransactionContext(TransactionContextPooled):
    """Releases its connection when it is cancelled while it begins; Tortoise's class never does."""

    client: Transaction  # the transaction
    token: ConnectionToken  # restores the connection that was current outside
    _handler: ConnectionHandler  # the registry of current connections that issued the token

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        connection = await pool.acquire(self.client._parent)
        try:
            self.client._connection = connection
            await self.client.begin()
            if limits := getattr(self.client._parent, "transaction_limits", ""):
                await connection.execute(limits)
        except BaseException as error:
            await pool.release(self.client._parent, connection, error)
            raise
        self._handler = get_connections()
        self.token = self._handler.set(self.connection_name, self.client)
        return self.client

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._handler.reset(self.token)
        try:
            if error is None:
                await self.client.commit()
            else:
                await self._roll_back()
        except Exception as failure:
            error = failure
            raise
        finally:
            self.client._finalized = True
            await pool.release(self.client._parent, self.client._connection, error)

    async def _roll_back(self) -> None:
        """Roll back without raising, so that the original error is reported."""
        try:
            async with asyncio.timeout(pool.ROLLBACK_S):
                await self.client.rollback()
        except Exception:  # noqa: BLE001 - closing the connection rolls back, too
            with contextlib.suppress(asyncpg.InterfaceError):  # already closed and released
                self.client._connection.terminate()


class Client(AsyncpgDBClient):
    """The engine's client. `dsns` name the hosts; `statement_s` bounds one statement, 0 does not."""

    unresponsive = False  # set while no server accepts writes: statements then fail at once
    transaction_limits = ""  # SQL at the beginning of each transaction, if there is a pooler
    connections: PoolConnections  # the check of the pool's connections
    _hosts: Hosts  # the servers of HUBBUB_DATABASE_URL

    async def connect_outside_pool(self, timeout_s: float) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection outside the pool. It caches no prepared statements, for pgbouncer."""
        async with asyncio.timeout(timeout_s):
            return await self._hosts.connect(timeout=timeout_s, statement_cache_size=0)

    @property
    def check_requested(self) -> asyncio.Event:
        """Set when a check is to run at once."""
        return self.connections.check_requested

    @property
    def dropped(self) -> list[BaseException]:
        """The reasons of connections closed since this list was emptied."""
        return self.connections.dropped

    async def refusal(self) -> BaseException | None:
        """Return why no server accepts writes, None if one does.

        It opens a new connection: those of the pool may all be stuck, or lead to a former primary.
        """
        try:
            (await self.connect_outside_pool(WRITE_CHECK_TIMEOUT_S)).terminate()
        except Exception as error:  # noqa: BLE001 - every failure is a reason
            return error
        return None

    async def check(self) -> BaseException | None:
        """Close connections that can't do their work any more; return why, None if all can."""
        error = await self.connections.check()
        if self.connections.stuck:
            with contextlib.suppress(Exception):  # no new connection is possible: `refusal` finds the reason
                self.connections.drop_stuck(await self._active_pids(self.connections.stuck))
        return error

    async def _active_pids(self, connections: Iterable[Any]) -> list[int]:
        """Return the server processes of these connections that are active, read on a new connection."""
        pids = [each.get_server_pid() for each in connections]
        connection = await self.connect_outside_pool(WRITE_CHECK_TIMEOUT_S)
        try:
            rows = await connection.fetch(_ACTIVE_PIDS_QUERY, pids, timeout=WRITE_CHECK_TIMEOUT_S)
        finally:
            connection.terminate()
        return [row["pid"] for row in rows]

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        try:
            await super().create_connection(with_db)
        except OSError as error:
            raise DBConnectionError(str(error) or "no connection in time") from error

    async def create_pool(self, **options: Any) -> "asyncpg.Pool[asyncpg.Record]":  # noqa: ANN401 - likewise
        options["connection_class"] = Connection
        for name in _DSN_OPTIONS:
            del options[name]
        statement_ms = round(options.pop("statement_s") * 1000)
        dsns = options.pop("dsns")
        self._hosts = Hosts(dsns)
        if await self._is_behind_pooler():
            options["statement_cache_size"] = 0
            self.transaction_limits = pooler.timeouts_sql(statement_ms, local=True)
            log.info("PostgreSQL is reached through a pooler")
        else:
            timeouts_sql = pooler.timeouts_sql(statement_ms, local=False)
            self._hosts = Hosts(dsns, f"{timeouts_sql}; {PLANS_SQL}")

        async def connect(_dsn: None, **more: Any) -> "asyncpg.Connection[asyncpg.Record]":  # noqa: ANN401 - likewise
            return await self._hosts.connect(**more)

        made: asyncpg.Pool[asyncpg.Record] = await asyncpg.create_pool(connect=connect, **options)  # type: ignore[call-overload]
        self.connections = PoolConnections(made)
        return made

    async def _is_behind_pooler(self) -> bool:
        connection = await self.connect_outside_pool(pool.ACQUIRE_S)
        try:
            return await pooler.is_present(connection)
        finally:
            connection.terminate()

    def acquire_connection(self) -> PooledConnection:
        metrics.counters["database_statements"] += 1
        return PooledConnection(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return PooledTransactionContext(Transaction(self), self._pool_init_lock)


client_class = Client
