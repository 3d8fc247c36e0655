"""SQLite for Tortoise: transactions that survive cancellation, begin with the write lock, end for good."""

import asyncio
import sqlite3
from contextlib import closing
from typing import Any, cast

import aiosqlite
from tortoise.backends.base.client import (
    ConnectionWrapper,
    NestedTransactionContext,
    TransactionalDBClient,
    TransactionContext,
)
from tortoise.backends.sqlite.client import (
    SqliteClient,
    SqliteTransactionContext,
    SqliteTransactionWrapper,
    translate_exceptions,
)
from tortoise.connection import ConnectionHandler, ConnectionToken, get_connections
from tortoise.exceptions import TransactionManagementError

from hubbub.core import metrics, tasks


class Transaction(SqliteTransactionWrapper):
    """A transaction that begins with the write lock: what it read can't be outdated when it writes."""

    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """The stock one lets a task that outlived the transaction write into somebody else's."""
        if self._finalized:
            raise TransactionManagementError("This transaction has ended.")
        metrics.counters["database_statements"] += 1
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))

    @translate_exceptions
    async def execute_script(self, query: str) -> None:
        """The stock one commits first; this one stays inside the transaction."""
        async with self.acquire_connection() as connection:
            for statement in statements(query):
                await connection.execute(statement)


class Entered(SqliteTransactionContext):
    """One transaction at a time; the lock is free again when the transaction has really ended.

    Statements run in a thread, one after the other, and a cancelled wait does not stop them. So the end of a
    transaction is a task of its own: whatever happens to the caller, it comes after all of its statements.
    """

    connection: Transaction
    _handler: ConnectionHandler
    token: ConnectionToken

    async def __aenter__(self) -> TransactionalDBClient:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException:
            tasks.spawn(self._end(commit=False), name="transaction that did not begin")
            raise
        self._handler = get_connections()
        self.token = self._handler.set(self.connection_name, self.connection)
        return cast("TransactionalDBClient", self.connection)

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._handler.reset(self.token)
        ending = tasks.spawn(self._end(commit=error is None), name="end of a transaction")
        if (failure := await asyncio.shield(ending)) is not None and error is None:
            raise failure

    async def _end(self, *, commit: bool) -> Exception | None:
        """Returns what went wrong."""
        self.connection._finalized = True
        try:
            return await _ended(self.connection._connection, commit=commit)
        finally:
            self._trxlock.release()


async def _ended(raw: aiosqlite.Connection, *, commit: bool) -> Exception | None:
    """Commit, or roll back; what can't be committed is rolled back, too, or all that follow would fail."""
    try:
        await (raw.commit() if commit else raw.rollback())
    except Exception as error:  # noqa: BLE001 - handed to the caller
        if commit:
            await _ended(raw, commit=False)
        return error
    return None


class Client(SqliteClient):
    """The engine's client."""

    silent = False  # as PostgreSQL's; a file is asked each time
    _opening: asyncio.Future[None] | None = None

    async def answers(self, seconds: float) -> bool:
        """Whether the file can be read."""
        try:
            async with asyncio.timeout(seconds), self.acquire_connection() as connection:
                await connection.execute_fetchall("SELECT count(*) FROM sqlite_master")
        except Exception:  # noqa: BLE001 - whatever it is, it is no answer
            return False
        return True

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        if self._connection is None:
            # When aiosqlite can't open a file, it does not wait for its thread. That may outlive the loop and
            # say so with a traceback; so whether it can is found out first.
            await asyncio.to_thread(_try, self.filename)
        # When it is cancelled, it forgets what its thread has opened; so it is not.
        self._opening = asyncio.ensure_future(super().create_connection(with_db))  # noqa: TID251 - see close
        await asyncio.shield(self._opening)

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening])
            if not self._opening.cancelled():
                self._opening.exception()  # told to who opened, or of no interest any more
        await super().close()

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        metrics.counters["database_statements"] += 1
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return Entered(Transaction(self), self._lock)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """The stock one, cancelled, leaves the connection inside an open transaction."""
        async with self._in_transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_script(self, query: str) -> None:
        """The stock one, failing, leaves half of the script done."""
        async with self._in_transaction() as transaction:
            await transaction.execute_script(query)


def _try(path: str) -> None:
    with closing(sqlite3.connect(path)):
        pass


def statements(script: str) -> list[str]:
    """The statements of a script, told apart by SQLite itself."""
    found, rest = [], ""
    for piece in script.split(";"):
        rest += piece + ";"
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return [statement for statement in [*found, rest] if statement.strip(" \n\t;")]


client_class = Client
