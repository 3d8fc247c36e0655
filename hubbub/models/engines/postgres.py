"""PostgreSQL for Tortoise: transactions that give their connection back however they end, bounded waits."""

import asyncio
import contextlib
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

ACQUIRE_S = 5.0
ROLLBACK_S = 2.0
_GIVEN_BY_DSN = ("host", "port", "user", "password", "database")


class Connection(asyncpg.Connection):
    """Nothing here changes its session, so there is nothing to reset: a round trip less for each use."""

    def get_reset_query(self) -> str:
        return ""


async def _take(client: Any) -> Any:  # noqa: ANN401 - Tortoise and asyncpg leave it open
    """A connection of the pool. Raises DBConnectionError when there is none to be had in time."""
    if client.silent:
        raise DBConnectionError("the server did not answer a moment ago")
    try:
        return await client._pool.acquire(timeout=ACQUIRE_S)
    except OSError as error:  # refused, no way, no such host, not in time
        raise DBConnectionError(str(error) or "no connection in time") from error


async def _give_back(client: Any, connection: Any) -> None:  # noqa: ANN401 - likewise
    # The pool rolls back what is open. A connection with which that fails is closed by the pool itself.
    with contextlib.suppress(Exception):
        await client._pool.release(connection)


class Taken(PoolConnectionWrapper[Any]):
    """The stock one waits for a connection for ever."""

    async def __aenter__(self) -> Any:  # noqa: ANN401 - likewise
        await self.ensure_connection()
        self.connection = await _take(self.client)
        return self.connection

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await _give_back(self.client, self.connection)


class Transaction(TransactionWrapper):
    """A transaction that is over when it has ended, also for tasks that were started inside."""

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        if self._finalized:
            raise TransactionManagementError("This transaction has ended.")
        metrics.counters["database_statements"] += 1
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))


class Entered(TransactionContextPooled):
    """The stock context keeps its connection for ever when it is cancelled while it begins."""

    client: Transaction
    token: ConnectionToken
    _handler: ConnectionHandler

    async def __aenter__(self) -> TransactionalDBClient:
        await self.ensure_connection()
        connection = await _take(self.client._parent)
        try:
            self.client._connection = connection
            await self.client.begin()
        except BaseException:
            await _give_back(self.client._parent, connection)
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
        finally:
            self.client._finalized = True
            await _give_back(self.client._parent, self.client._connection)

    async def _roll_back(self) -> None:
        """Never in the way of the error that is the reason for it."""
        try:
            async with asyncio.timeout(ROLLBACK_S):
                await self.client.rollback()
        except Exception:  # noqa: BLE001 - a closed connection has rolled back, too
            with contextlib.suppress(asyncpg.InterfaceError):  # closed, and gone from the pool
                self.client._connection.terminate()


class Client(AsyncpgDBClient):
    """The engine's client. `dsn` says where the server is; `statement_s` bounds one statement, 0 does not."""

    silent = False  # set while the server is known not to answer: then nobody waits for it
    _dsn = ""

    async def answers(self, seconds: float) -> bool:
        """Whether the server does, on a connection of its own: those of the pool may all be stuck."""
        try:
            async with asyncio.timeout(seconds):
                connection = await asyncpg.connect(self._dsn, timeout=seconds)
                try:
                    await connection.execute("SELECT 1")
                finally:
                    connection.terminate()
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            return False
        return True

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        try:
            await super().create_connection(with_db)
        except OSError as error:
            raise DBConnectionError(str(error) or "no connection in time") from error

    async def create_pool(self, **options: Any) -> "asyncpg.Pool[asyncpg.Record]":  # noqa: ANN401 - likewise
        options["connection_class"] = Connection
        for name in _GIVEN_BY_DSN:
            del options[name]
        statement_ms = round(options.pop("statement_s") * 1000)

        async def limit(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
            # The server's own limits: for an instance that dies, or stands still with locks in its hands.
            await connection.execute(
                f"SET statement_timeout = {statement_ms}; "
                f"SET idle_in_transaction_session_timeout = {statement_ms}"
            )

        self._dsn = options.pop("dsn")
        return await asyncpg.create_pool(self._dsn, init=limit, **options)

    def acquire_connection(self) -> Taken:
        metrics.counters["database_statements"] += 1
        return Taken(self, self._pool_init_lock)

    def _in_transaction(self) -> TransactionContext:
        return Entered(Transaction(self), self._pool_init_lock)


client_class = Client
