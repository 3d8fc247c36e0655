"""SQLite for Tortoise: transactions that survive cancellation, begin with the write lock, end for good."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

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

from hubbub.core import clock, metrics, tasks
from hubbub.db import errors

T = TypeVar("T")
BUSY_STEP_MS = (
    20  # how long the thread of the connection waits for another program at a time, and reads with it
)
RETRY_PAUSE_S = 0.03  # between two attempts, in which reads go on


def is_busy(error: BaseException) -> bool:
    """Whether another program holds the write lock; nothing was changed then."""
    found = errors.unwrap(error)
    if isinstance(found, TransactionManagementError) and found.args:
        found = found.args[0]
    return getattr(found, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


async def retry_while_busy(attempt: Callable[[], Awaitable[T]], timeout_s: float) -> T:
    """The result of `attempt`, which is repeated for so many seconds while another program writes.

    SQLite's own waiting would keep the thread of the connection, and with it every read.
    """
    deadline = clock.monotonic() + timeout_s
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_busy(error) or clock.monotonic() >= deadline:
                raise
        await asyncio.sleep(RETRY_PAUSE_S)


LOCK_S = 1.0  # for the write lock to be had
LOCK_GRACE_S = 0.5  # more than the lock may take, for the thread


class ReleasingConnectionWrapper(ConnectionWrapper[aiosqlite.Connection]):
    """The stock one keeps its lock when the file can't be opened, and the next attempt waits forever."""

    async def __aenter__(self) -> aiosqlite.Connection:
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection


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
            for statement in split_script(query):
                await connection.execute(statement)


class ImmediateTransactionContext(SqliteTransactionContext):
    """One transaction at a time; the lock is free again when the transaction has really ended.

    Statements run in a thread, one after the other, and a cancelled wait does not stop them. So the end of a
    transaction is a task of its own: whatever happens to the caller, it comes after all of its statements.
    """

    connection: Transaction
    busy_s = 0.0  # how long it waits for another program to finish writing
    _handler: ConnectionHandler
    token: ConnectionToken

    async def __aenter__(self) -> TransactionalDBClient:
        await retry_while_busy(self._begin, self.busy_s)
        self._handler = get_connections()
        self.token = self._handler.set(self.connection_name, self.connection)
        return cast("TransactionalDBClient", self.connection)

    async def _begin(self) -> None:
        await self._trxlock.acquire()
        try:
            await self.ensure_connection()
            await self.connection.begin()
        except BaseException as error:
            if is_busy(error):
                self._trxlock.release()
            else:
                tasks.spawn(self._end(commit=False), name="transaction that did not begin")
            raise

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._handler.reset(self.token)
        ending = tasks.spawn(self._end(commit=error is None), name="end of a transaction")
        if (failure := await asyncio.shield(ending)) is not None and error is None:
            raise failure

    async def _end(self, *, commit: bool) -> Exception | None:
        """Returns what went wrong."""
        self.connection._finalized = True
        try:
            return await _finish(self.connection._connection, commit=commit)
        finally:
            self._trxlock.release()


async def _finish(raw: aiosqlite.Connection, *, commit: bool) -> Exception | None:
    """Commit, or roll back; what can't be committed is rolled back, too, or all that follow would fail."""
    try:
        await (raw.commit() if commit else raw.rollback())
    except Exception as error:  # noqa: BLE001 - handed to the caller
        if commit:
            await _finish(raw, commit=False)
        return error
    return None


class Client(SqliteClient):
    """The engine's client."""

    unresponsive = False  # as PostgreSQL's; a file is asked each time
    _opening: asyncio.Future[None] | None = None
    _lock_check: "asyncio.Task[Exception | None] | None" = (
        None  # for the write lock, on a connection of its own
    )

    @property
    def busy_s(self) -> float:
        """How long a statement waits for another program to finish writing."""
        return int(self.pragmas["busy_timeout"]) / 1000

    async def refusal(self) -> BaseException | None:
        """Why the file can't be written to, None if it can: whether the write lock is to be had in time.

        The connection of this process is not asked: it would make readers wait for the lock, too.
        """
        if self.filename == ":memory:":
            return None
        if self._lock_check is None or self._lock_check.done():
            lock_attempt = asyncio.to_thread(_try_write_lock, self.filename, LOCK_S)
            self._lock_check = tasks.spawn(lock_attempt, name="write check")
        # A disk that hangs holds the thread up; the next one who asks waits for the same thread.
        done, _ = await asyncio.wait([self._lock_check], timeout=LOCK_S + LOCK_GRACE_S)
        return self._lock_check.result() if done else TimeoutError()

    async def check(self) -> BaseException | None:
        """As PostgreSQL's: the file may have become read-only."""
        return await self.refusal()

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        if self._connection is None:
            # When aiosqlite can't open a file, it does not wait for its thread. That may outlive the loop and
            # say so with a traceback; so whether it can is found out first.
            await asyncio.to_thread(_try_open, self.filename)
        # When it is cancelled, it forgets what its thread has opened; so it is not.
        self._opening = asyncio.ensure_future(self._open(with_db))  # noqa: TID251 - see close
        await asyncio.shield(self._opening)

    async def _open(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        try:
            await super().create_connection(with_db)
            if self._connection is not None:  # from now on `patiently` waits
                await self._connection.execute(f"PRAGMA busy_timeout = {BUSY_STEP_MS}")
        except Exception:
            await super().close()  # the next attempt sets every pragma, not the rest of them
            raise

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening])
            if not self._opening.cancelled():
                self._opening.exception()  # told to who opened, or of no interest any more
        await super().close()

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        metrics.counters["database_statements"] += 1
        return ReleasingConnectionWrapper(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        context = ImmediateTransactionContext(Transaction(self), self._lock)
        context.busy_s = self.busy_s
        return context

    async def execute_query(
        self, query: str, values: list[Any] | None = None
    ) -> tuple[int, Sequence[dict[str, Any]]]:
        execute = super().execute_query
        return await retry_while_busy(lambda: execute(query, values), self.busy_s)

    async def execute_insert(self, query: str, values: list[Any]) -> int:
        execute = super().execute_insert
        return await retry_while_busy(lambda: execute(query, values), self.busy_s)

    async def execute_query_dict(self, query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
        execute = super().execute_query_dict
        return await retry_while_busy(lambda: execute(query, values), self.busy_s)

    async def execute_many(self, query: str, values: list[list[Any]]) -> None:
        """The stock one, cancelled, leaves the connection inside an open transaction."""
        async with self._in_transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_script(self, query: str) -> None:
        """The stock one, failing, leaves half of the script done."""
        async with self._in_transaction() as transaction:
            await transaction.execute_script(query)


def _try_write_lock(path: str, timeout_s: float) -> Exception | None:
    """Take and release the write lock of a file that exists."""
    try:
        with closing(
            sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=rw", uri=True, timeout=timeout_s)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return error
    return None


def _try_open(path: str) -> None:
    with closing(sqlite3.connect(path)):
        pass


def split_script(script: str) -> list[str]:
    """The statements of a script, told apart by SQLite itself."""
    complete, rest = [], ""
    for piece in script.split(";"):
        rest += piece + ";"
        if sqlite3.complete_statement(rest):
            complete.append(rest)
            rest = ""
    return [statement for statement in [*complete, rest] if statement.strip(" \n\t;")]


client_class = Client
