"""SQLite: a whole transaction as one call into the connection's thread.

Each statement that is awaited by itself takes a queue, two wake-ups and a turn of the event loop.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from tortoise.backends.base.client import ConnectionWrapper

from hubbub.core import tasks

T = TypeVar("T")


async def run(
    acquire: Callable[[], ConnectionWrapper[Any]], function: Callable[[sqlite3.Connection], T]
) -> T:
    """Run `function` in the connection's thread as a transaction with the write lock; return its result.

    An exception rolls back. A cancelled caller does not stop the function, so that it may still be committed.
    The lock of the connection, which `acquire` returns, is held until its end.
    """
    lock = acquire()
    connection = await lock.__aenter__()
    call = tasks.spawn(_call(lock, connection, function), name="transaction in one call")
    outcome = await asyncio.shield(call)
    if isinstance(outcome, Exception):
        raise outcome
    result: T = outcome
    return result


async def _call(
    lock: ConnectionWrapper[Any],
    connection: Any,  # noqa: ANN401 - of aiosqlite, whose method is private
    function: Callable[[sqlite3.Connection], T],
) -> T | Exception:
    """Run the transaction and release the lock; return the error, if any."""
    try:
        result: T = await connection._execute(_transaction, connection._conn, function)
    except Exception as error:  # noqa: BLE001 - raised by `run`
        return error
    finally:
        await lock.__aexit__(None, None, None)
    return result


def _transaction(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = function(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # the first error is the cause
                connection.execute("ROLLBACK")
        raise
    return result
