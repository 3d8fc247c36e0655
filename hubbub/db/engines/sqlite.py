"""SQLite for Tortoise: PRAGMAs, and transactions that survive cancellation and begin with the write lock."""

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
from hubbub.db.engines import one_call

T = TypeVar("T")
# How long the connection's thread waits at a time for another program. Reads wait with it.
BUSY_STEP_MS = 20
RETRY_PAUSE_S = 0.03  # between two attempts; reads run meanwhile
LOCK_S = 1.0  # to get the write lock, in the write check
LOCK_GRACE_S = 0.5  # more, for the thread


def is_busy(error: BaseException) -> bool:
    """Return whether another program holds the write lock, so that nothing was changed."""
    found = errors.unwrap(error)
    if isinstance(found, TransactionManagementError) and found.args:
        found = found.args[0]
    return getattr(found, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


async def retry_while_busy(attempt: Callable[[], Awaitable[T]], timeout_s: float) -> T:
    """Return the result of `attempt`, repeated for up to `timeout_s` while another program writes.

    SQLite's own waiting would block the connection's thread, and with it every read.
    """
    deadline = clock.monotonic() + timeout_s
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_busy(error) or clock.monotonic() >= deadline:
                raise
        await asyncio.sleep(RETRY_PAUSE_S)


class ReleasingConnectionWrapper(ConnectionWrapper[aiosqlite.Connection]):
    """Releases its lock when the file can't be opened; Tortoise's class keeps it forever."""

    async def __aenter__(self) -> aiosqlite.Connection:
        await self._lock.acquire()
        try:
            await self.ensure_connection()
        except BaseException:
            self._lock.release()
            raise
        return self.connection


class Transaction(SqliteTransactionWrapper):
    """A transaction that begins with the write lock, so that what it read is current when it writes."""

    async def begin(self) -> None:
        try:
            await self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransactionManagementError(error) from error

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        """Refuse a task that outlives the transaction; Tortoise's method lets it write into another one."""
        if self._finalized:
            raise TransactionManagementError("This transaction has ended.")
        metrics.counters["database_statements"] += 1
        return super().acquire_connection()

    def _in_transaction(self) -> TransactionContext:
        return NestedTransactionContext(Transaction(self))

    @translate_exceptions
    async def execute_script(self, query: str) -> None:
        """Run a script inside the transaction; Tortoise's method commits first."""
        async with self.acquire_connection() as connection:
            for statement in split_script(query):
                await connection.execute(statement)


class ImmediateTransactionContext(SqliteTransactionContext):
    """One transaction at a time. The lock is released when the transaction has really ended.

    Statements run in a thread, one after the other, and a cancelled wait does not stop them. Therefore the
    end of a transaction is a task of its own: it follows all statements, whatever happens to the caller.
    """

    connection: Transaction  # the transaction
    busy_s = 0.0  # how long it waits for another program to finish writing
    _handler: ConnectionHandler  # the registry of current connections that issued the token
    token: ConnectionToken  # restores the connection that was current outside

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
                tasks.spawn(self._end(commit=False), name="end of a failed begin")
            raise

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._handler.reset(self.token)
        ending = tasks.spawn(self._end(commit=error is None), name="end of a transaction")
        if (failure := await asyncio.shield(ending)) is not None and error is None:
            raise failure

    async def _end(self, *, commit: bool) -> Exception | None:
        """End the transaction; return the error, if any."""
        self.connection._finalized = True
        try:
            return await _finish(self.connection._connection, commit=commit)
        finally:
            self._trxlock.release()


async def _finish(raw: aiosqlite.Connection, *, commit: bool) -> Exception | None:
    """Commit or roll back. A failed commit is rolled back, or all following transactions would fail."""
    try:
        await (raw.commit() if commit else raw.rollback())
    except Exception as error:  # noqa: BLE001 - returned to the caller
        if commit:
            await _finish(raw, commit=False)
        return error
    return None


class Client(SqliteClient):
    """The engine's client."""

    unresponsive = False  # as in PostgreSQL's client; a file is tried each time
    _opening: asyncio.Future[None] | None = None  # the opening of the file, which is never cancelled
    # Takes the write lock on a connection of its own.
    _lock_check: "asyncio.Task[Exception | None] | None" = None

    @property
    def busy_s(self) -> float:
        """How long a statement waits for another program to finish writing."""
        return int(self.pragmas["busy_timeout"]) / 1000

    async def refusal(self) -> BaseException | None:
        """Return why the file can't be written to, None if the write lock is available in time.

        It uses another connection than this process's own, on which readers would wait for the lock, too.
        """
        if self.filename == ":memory:":
            return None
        if self._lock_check is None or self._lock_check.done():
            lock_attempt = asyncio.to_thread(_try_write_lock, self.filename, LOCK_S)
            self._lock_check = tasks.spawn(lock_attempt, name="write check")
        # A disk that does not respond blocks the thread. Further callers wait for the same thread.
        lock_check = self._lock_check  # another caller may begin the next one before this one continues
        done, _ = await asyncio.wait([lock_check], timeout=LOCK_S + LOCK_GRACE_S)
        return lock_check.result() if done else TimeoutError()

    async def check(self) -> BaseException | None:
        """Return `refusal`, as PostgreSQL's client does: the file may have become read-only."""
        return await self.refusal()

    async def create_connection(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        if self._connection is None:
            # When aiosqlite can't open a file, it does not wait for its thread. The thread may outlive the
            # loop and print a traceback. Therefore another connection tries first.
            await asyncio.to_thread(_try_open, self.filename)
        # When it is cancelled, it loses what its thread has opened. Therefore it is shielded.
        self._opening = asyncio.ensure_future(self._open(with_db))  # noqa: TID251 - see close
        await asyncio.shield(self._opening)

    async def _open(self, with_db: bool) -> None:  # noqa: FBT001 - Tortoise's signature
        try:
            await super().create_connection(with_db)
            if self._connection is not None:  # from here on, `retry_while_busy` waits
                await self._connection.execute(f"PRAGMA busy_timeout = {BUSY_STEP_MS}")
        except Exception:
            await super().close()  # so that the next attempt sets all pragmas
            raise

    async def close(self) -> None:
        if self._opening is not None:
            await asyncio.wait([self._opening])
            if not self._opening.cancelled():
                self._opening.exception()  # retrieved: its caller has raised it, or was cancelled
        await super().close()

    def acquire_connection(self) -> ConnectionWrapper[Any]:
        metrics.counters["database_statements"] += 1
        return ReleasingConnectionWrapper(self._lock, self)

    def _in_transaction(self) -> TransactionContext:
        context = ImmediateTransactionContext(Transaction(self), self._lock)
        context.busy_s = self.busy_s
        return context

    async def in_one_call(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function in the connection's thread, as one transaction; return its result."""
        return await retry_while_busy(lambda: one_call.run(self.acquire_connection, function), self.busy_s)

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
        """Run a statement for many rows; a cancelled call leaves no transaction open, as Tortoise's would."""
        async with self._in_transaction() as transaction:
            await transaction.execute_many(query, values)

    async def execute_script(self, query: str) -> None:
        """Run a script completely or not at all; Tortoise's method may leave it half done."""
        async with self._in_transaction() as transaction:
            await transaction.execute_script(query)


def _try_write_lock(path: str, timeout_s: float) -> Exception | None:
    """Take and release the write lock of an existing file; return the error, if any."""
    try:
        url = f"{Path(path).absolute().as_uri()}?mode=rw"
        with closing(sqlite3.connect(url, uri=True, timeout=timeout_s)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        return error
    return None


def _try_open(path: str) -> None:
    with closing(sqlite3.connect(path)):
        pass


def split_script(script: str) -> list[str]:
    """Return the statements of a script, as SQLite separates them."""
    complete, rest = [], ""
    for piece in script.split(";"):
        rest += piece + ";"
        if sqlite3.complete_statement(rest):
            complete.append(rest)
            rest = ""
    return [statement for statement in [*complete, rest] if statement.strip(" \n\t;")]


client_class = Client
