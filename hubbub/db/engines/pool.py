"""Acquires connections of asyncpg's pool and returns them, in the order of the calls, with time limits.

This module and `idle` use internals of asyncpg 0.32.
"""

import contextlib
from typing import TYPE_CHECKING, Any

from tortoise.exceptions import DBConnectionError

from hubbub.db import errors

if TYPE_CHECKING:
    from hubbub.db.engines.idle import PoolConnections

ACQUIRE_S = 5.0  # to wait for a connection, or for a new one
ROLLBACK_S = 2.0  # for the end of a transaction that failed


async def acquire(client: Any) -> Any:  # noqa: ANN401 - Tortoise and asyncpg leave it open
    """Acquire a connection from the pool. Raises DBConnectionError if none is available in time."""
    if client.unresponsive:
        raise DBConnectionError("the server did not respond a moment ago")
    connections: PoolConnections = client.connections
    try:
        remaining_s = await connections.begin_use(ACQUIRE_S)
        try:
            connection = await _acquire_idle(client._pool) or await client._pool.acquire(timeout=remaining_s)
        except BaseException:
            connections.end_use()
            raise
    except OSError as error:  # refused, no route, unknown host, timeout
        raise DBConnectionError(str(error) or "no connection in time") from error
    connections.in_use.add(connection)
    return connection


async def _acquire_idle(pool: Any) -> Any:  # noqa: ANN401 - likewise
    """Acquire an idle connection, without the timer that waiting for one needs; None if there is none."""
    queue = pool._queue
    if queue is None or queue.empty() or not queue._queue[-1].is_connected() or pool.is_closing():
        return None
    holder = queue.get_nowait()
    try:
        return await holder.acquire()
    except BaseException:
        queue.put_nowait(holder)
        raise


async def release(client: Any, connection: Any, error: BaseException | None = None) -> None:  # noqa: ANN401 - likewise
    """Return a connection to the pool. It is closed if the error says that its server can't be used."""
    connections: PoolConnections = client.connections
    connections.in_use.discard(connection)
    close_if_unusable(client, connection, error)
    try:
        with contextlib.suppress(Exception):
            await _return_to_pool(client._pool, connection, error)
    finally:
        connections.end_use()


async def _return_to_pool(pool: Any, connection: Any, error: BaseException | None) -> None:  # noqa: ANN401 - likewise
    if error is None and _is_idle(connection):
        # What the pool's `release` does, without its task: the caller would wait for another turn of the
        # event loop. Nothing here waits, so that nothing can be cancelled.
        connection._con._on_release()
        await connection._holder.release(ROLLBACK_S)
    else:
        # The pool cancels running statements and rolls back the transaction. It closes a connection on which
        # that fails or takes too long.
        await pool.release(connection, timeout=ROLLBACK_S)


def _is_idle(connection: Any) -> bool:  # noqa: ANN401 - likewise
    """Return whether the server waits for the next statement, outside of a transaction."""
    raw = connection._con
    return (
        raw is not None
        and not raw.is_closed()
        and not raw.is_in_transaction()
        and not raw._protocol._is_cancelling()
    )


def close_if_unusable(client: Any, connection: Any, error: BaseException | None) -> None:  # noqa: ANN401 - likewise
    """Close a connection whose server refuses writes or shuts down."""
    if error is not None and errors.ends_connection(error):
        client.connections.failed(connection, error)
