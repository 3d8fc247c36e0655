"""PostgreSQL for Tortoise: transactions that give their connection back however they end, bounded waits."""

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
from hubbub.db import errors
from hubbub.db.engines import pooler
from hubbub.db.engines.idle import PoolConnections
from hubbub.db.engines.writable import Hosts

log = logging.getLogger(__name__)

ACQUIRE_S = 5.0
ROLLBACK_S = 2.0
WRITE_CHECK_TIMEOUT_S = 2.0  # for a server to say whether it accepts writes
_ACTIVE_PIDS_QUERY = "SELECT pid FROM pg_stat_activity WHERE pid = ANY($1::int[]) AND state = 'active'"
_DSN_OPTIONS = ("host", "port", "user", "password", "database")


class Connection(asyncpg.Connection):
    """Nothing here changes its session, so there is nothing to reset: a round trip less for each use."""

    def get_reset_query(self) -> str:
        return ""


async def _acquire(client: Any) -> Any:  # noqa: ANN401 - Tortoise and asyncpg leave it open
    """A connection of the pool. Raises DBConnectionError when there is none to be had in time."""
    if client.unresponsive:
        raise DBConnectionError("the server did not answer a moment ago")
    try:
        connection = await client._pool.acquire(timeout=ACQUIRE_S)
    except OSError as error:  # refused, no way, no such host, not in time
        raise DBConnectionError(str(error) or "no connection in time") from error
    client.connections.in_use.add(connection)
    return connection


async def _release(client: Any, connection: Any, error: BaseException | None = None) -> None:  # noqa: ANN401 - likewise
    client.connections.in_use.discard(connection)
    _close_if_unusable(client, connection, error)
    # The pool cancels what runs and rolls back what is open. A connection with which that fails, or takes too
    # long, is closed by the pool itself.
    with contextlib.suppress(Exception):
        await client._pool.release(connection, timeout=ROLLBACK_S)


def _close_if_unusable(client: Any, connection: Any, error: BaseException | None) -> None:  # noqa: ANN401 - likewise
    """Close a connection whose server refuses writes, or ends."""
    if error is not None and errors.ends_connection(error):
        client.connections.failed(connection, error)


class PooledConnection(PoolConnectionWrapper[Any]):
    """The stock one waits for a connection for ever."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - likewise
        await self.ensure_connection()
        self.connection = await _acquire(self.client)
        return self.connection

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        await _release(self.client, self.connection, error)


class TransactionStatement(ConnectionWrapper[Any]):
    """A statement in a transaction: its error counts, also if the caller handles it."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        _close_if_unusable(_pool_client(self.client), self.connection, error)


def _pool_client(client: Any) -> Any:  # noqa: ANN401 - likewise
    """The client with the pool, of a transaction or of one inside another."""
    while isinstance(client, Transaction):
        client = client._parent
    return client


class Transaction(TransactionWrapper):
    """A transaction that is over when it has ended, also for tasks that were started inside."""

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        if self._finalized:
            raise TransactionManagementError("This transaction has ended.")
        metrics.counters["database_statements"] += 1
        return TransactionStatement(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))


class PooledTransactionContext(TransactionContextPooled):
    """The stock context keeps its connection for ever when it is cancelled while it begins."""

    client: Transaction
    token: ConnectionToken
    _handler: ConnectionHandler

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        connection = await _acquire(self.client._parent)
        try:
            self.client._connection = connection
            await self.client.begin()
            if limits := getattr(self.client._parent, "transaction_limits", ""):
                await connection.execute(limits)
        except BaseException as error:
            await _release(self.client._parent, connection, error)
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
            await _release(self.client._parent, self.client._connection, error)

    async def _roll_back(self) -> None:
        """Never in the way of the error that is the reason for it."""
        try:
            async with asyncio.timeout(ROLLBACK_S):
                await self.client.rollback()
        except Exception:  # noqa: BLE001 - a closed connection has rolled back, too
            with contextlib.suppress(asyncpg.InterfaceError):  # closed, and gone from the pool
                self.client._connection.terminate()


class Client(AsyncpgDBClient):
    """The engine's client. `dsns` name the hosts; `statement_s` bounds one statement, 0 does not."""

    unresponsive = False  # set while no server accepts writes: statements then fail at once
    transaction_limits = ""  # set at the beginning of each transaction where there is a pooler
    connections: PoolConnections
    _hosts: Hosts

    async def connect_outside_pool(self, timeout_s: float) -> "asyncpg.Connection[asyncpg.Record]":
        """Open a connection that the pool does not count. Prepared statements are not kept, for pgbouncer."""
        async with asyncio.timeout(timeout_s):
            return await self._hosts.connect(timeout=timeout_s, statement_cache_size=0)

    @property
    def check_requested(self) -> asyncio.Event:
        """Set when a check must not wait for its turn."""
        return self.connections.check_requested

    @property
    def dropped(self) -> list[BaseException]:
        """Why connections were closed since this list was emptied."""
        return self.connections.dropped

    async def refusal(self) -> BaseException | None:
        """Why no server accepts writes, None if one does.

        A new connection is asked: those of the pool may all be stuck, or lead to an earlier primary.
        """
        try:
            (await self.connect_outside_pool(WRITE_CHECK_TIMEOUT_S)).terminate()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the reason
            return error
        return None

    async def check(self) -> BaseException | None:
        """Close connections that can't do their work any more; returns why, None if there are none."""
        error = await self.connections.check()
        if self.connections.stuck:
            with contextlib.suppress(Exception):  # no new one can be made: `refusal` finds out why
                self.connections.drop_stuck(await self._active_pids(self.connections.stuck))
        return error

    async def _active_pids(self, connections: Iterable[Any]) -> list[int]:
        """Which of these connections have server processes that work, as a new connection sees it."""
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
            self._hosts = Hosts(dsns, pooler.timeouts_sql(statement_ms, local=False))

        async def connect(_dsn: None, **more: Any) -> "asyncpg.Connection[asyncpg.Record]":  # noqa: ANN401 - likewise
            return await self._hosts.connect(**more)

        pool: asyncpg.Pool[asyncpg.Record] = await asyncpg.create_pool(connect=connect, **options)  # type: ignore[call-overload]
        self.connections = PoolConnections(pool)
        return pool

    async def _is_behind_pooler(self) -> bool:
        connection = await self.connect_outside_pool(ACQUIRE_S)
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
