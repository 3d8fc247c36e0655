"""The check of pooled connections: closes those that respond but can no longer do their work."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from hubbub.core import clock, metrics, tasks
from hubbub.db.engines.writable import WRITABLE_QUERY, WRITABLE_STATUS, NotWritable

CHECK_S = 2.0  # for an idle connection to respond
GRACE_S = 0.5  # more, if this process itself was stopped meanwhile
STALLED_S = 2.0  # without progress, after similar connections were found to be unusable
EXHAUSTED_S = 4.0  # without progress, if no connection of the pool is left for comparison
DETECTION_LAG_S = 1.5  # from the start of a statement until it is noticed


class PoolConnections:
    """The connections of one pool: which are in use, and which must be closed.

    The evidence is a statement that failed, a check of an idle connection, or a lack of progress.
    """

    def __init__(self, pool: Any) -> None:  # noqa: ANN401 - asyncpg's pool, whose queue is not typed
        self._pool = pool
        # Of each connection in use: the number of its statements, and the time of the last increase.
        self._progress: dict[Any, tuple[int, float]] = {}
        self._last_failure_at = float("-inf")  # by the monotonic clock
        self.dropped: list[BaseException] = []  # the reasons of closed connections; logging empties the list
        self.in_use: set[Any] = set()  # connections as the pool hands them out
        self.stuck: list[Any] = []  # the whole pool, if none is idle and none makes progress
        self.check_requested = asyncio.Event()  # set to check at once instead of within a second
        self.size: int = pool.get_max_size()
        # asyncpg gives a returned connection to whichever caller asks next, also if others wait for it.
        self._permits = asyncio.Semaphore(self.size)  # one for each connection in use; in order
        self._waiting = 0  # callers that wait for a permit

    @property
    def has_waiters(self) -> bool:
        """Whether the pool is exhausted and a caller waits for a connection."""
        return self._waiting > 0 or bool(self._pool._queue._getters)

    async def begin_use(self, timeout_s: float) -> float:
        """Wait until a connection may be acquired, in the order of the calls. Return the remaining time.

        Call `end_use` when the connection is returned, or could not be acquired. Raises TimeoutError.
        """
        if not self._permits.locked():
            await self._permits.acquire()  # at once
            return timeout_s
        ends_at = clock.monotonic() + timeout_s
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_s):
                await self._permits.acquire()
        finally:
            self._waiting -= 1
        return max(0.0, ends_at - clock.monotonic())

    def end_use(self) -> None:
        """Let the next caller acquire a connection."""
        self._permits.release()

    def failed(self, connection: Any, error: BaseException) -> None:  # noqa: ANN401 - likewise
        """Close a connection on which a statement failed because its server can't perform it."""
        self._last_failure_at = clock.monotonic()
        self.check_requested.set()
        self._drop([connection], error)

    def _drop(self, connections: Iterable[Any], error: BaseException) -> None:
        """Close connections at once. The write check finds out whether another server is available."""
        for connection in connections:
            raw = getattr(connection, "_con", connection)
            if raw is not None and not raw.is_closed():
                raw.terminate()
                self.dropped.append(error)
                metrics.count("database_connections_dropped")

    async def check(self) -> BaseException | None:
        """Check whether each idle connection can write, close those that can't, and return why.

        An idle connection is not handed out during its check.
        """
        self.check_requested.clear()
        self._update_progress()
        holders = [holder for holder in self._pool._queue._queue if holder.is_connected()]
        checks = [tasks.spawn(self._check_connection(holder), name="write check") for holder in holders]
        failures = [error for error in await self._check_results(checks, holders) if error is not None]
        if failures:
            self._last_failure_at = clock.monotonic()
        self._close_stalled(idle=len(holders) - len(failures))
        return failures[0] if failures else None

    async def _check_results(
        self, checks: "list[asyncio.Task[BaseException | None]]", holders: list[Any]
    ) -> list[BaseException | None]:
        if not checks:
            return []
        started_at = clock.monotonic()
        _, pending = await asyncio.wait(checks, timeout=CHECK_S)
        if pending and clock.monotonic() - started_at > CHECK_S + GRACE_S:
            # This process was stopped. The responses may have arrived already.
            _, pending = await asyncio.wait(pending, timeout=GRACE_S)
        for task, holder in zip(checks, holders, strict=True):
            if task in pending:
                self._drop([holder], TimeoutError())  # which also ends the task
        return [TimeoutError() if task in pending else task.result() for task in checks]

    async def _check_connection(self, holder: Any) -> BaseException | None:  # noqa: ANN401 - asyncpg's
        """Check one idle connection outside the pool's queue; return why it was closed, else None."""
        queue, connection = self._pool._queue, holder._con
        if holder not in queue._queue or connection is None:  # in use before its check began
            return None
        index = queue._queue.index(holder)
        del queue._queue[index]
        try:
            if await connection.execute(WRITABLE_QUERY) == WRITABLE_STATUS:
                return None
            error: BaseException = NotWritable("it is a standby, or read-only")
        except Exception as failure:  # noqa: BLE001 - any failure makes the connection unusable
            error = failure
        finally:
            queue._queue.insert(min(index, len(queue._queue)), holder)
            queue._wakeup_next(queue._getters)
        self._drop([connection], error)
        return error

    def _update_progress(self) -> None:
        """Record since when each connection in use has started no further statement."""
        now = clock.monotonic()
        self.in_use = {each for each in self.in_use if each._con is not None}
        counts = {each: each._con._protocol.queries_count for each in self.in_use}
        previous = self._progress
        self._progress = {
            each: previous[each] if each in previous and previous[each][0] == count else (count, now)
            for each, count in counts.items()
        }

    def _close_stalled(self, *, idle: int) -> None:
        """Close connections in use that have made no progress since others were found to be unusable."""
        self._update_progress()
        now = clock.monotonic()
        stalled = {each: since for each, (_, since) in self._progress.items() if now - since >= STALLED_S}
        self._drop(
            (each for each, since in stalled.items() if since <= self._last_failure_at + DETECTION_LAG_S),
            TimeoutError(),
        )
        stuck = [each for each, since in stalled.items() if now - since >= EXHAUSTED_S]
        self.stuck = stuck if not idle and len(stuck) == self.size else []

    def drop_stuck(self, active: Collection[int]) -> None:
        """Close the connections of a stuck pool, except those whose server process is active."""
        dead = [each for each in self.stuck if each.get_server_pid() not in active]
        self._drop(dead, TimeoutError())
