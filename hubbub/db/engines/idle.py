"""The write check: connections of the pool that still answer, and can no longer do their work, are closed."""

import asyncio
from collections.abc import Collection, Iterable
from typing import Any

from hubbub.core import clock, metrics, tasks
from hubbub.db.engines.writable import WRITABLE, YES, RefusesWrites

CHECK_S = 2.0  # for an idle connection to answer
GRACE_S = 0.5  # more, if this process itself stood still meanwhile
STALLED_S = 2.0  # without progress, once connections like it were found to be useless
EXHAUSTED_S = 4.0  # without progress, if no connection of the pool is left to compare with
SEEN_S = 1.5  # after a statement began it is noticed


class Connections:
    """The connections of one pool: which are in use, and which of them must be closed.

    The evidence is a statement that failed, a check of an idle connection, or a lack of progress.
    """

    def __init__(self, pool: Any) -> None:  # noqa: ANN401 - asyncpg's pool, whose queue is not typed
        self._pool = pool
        self._progress: dict[Any, tuple[int, float]] = {}  # statements begun so far, and since when no more
        self._evidence_at = float("-inf")
        self.dropped: list[BaseException] = []  # why, for the log; logging empties the list
        self.in_use: set[Any] = set()  # as the pool hands them out
        self.stuck: list[Any] = []  # the whole pool, if none is idle and none makes progress
        self.suspicious = asyncio.Event()  # check now, and not in a second

    def failed(self, connection: Any, error: BaseException) -> None:  # noqa: ANN401 - likewise
        """Close a connection with which a statement failed for want of a server that can do it."""
        self._evidence_at = clock.monotonic()
        self.suspicious.set()
        self._drop([connection], error)

    def _drop(self, connections: Iterable[Any], error: BaseException) -> None:
        """Close connections at once; whether another server takes their place is found out by others."""
        for connection in connections:
            raw = getattr(connection, "_con", connection)
            if raw is not None and not raw.is_closed():
                raw.terminate()
                self.dropped.append(error)
                metrics.count("database_connections_dropped")

    async def check(self) -> BaseException | None:
        """Ask each idle connection whether it can write, and close those that can't; returns why.

        An idle connection is not handed out while it is asked.
        """
        self.suspicious.clear()
        self._note_progress()
        holders = [holder for holder in self._pool._queue._queue if holder.is_connected()]
        asked = [tasks.spawn(self._ask(holder), name="write check") for holder in holders]
        found = [error for error in await self._answers(asked, holders) if error is not None]
        if found:
            self._evidence_at = clock.monotonic()
        self._close_hanging(idle=len(holders) - len(found))
        return found[0] if found else None

    async def _answers(
        self, asked: "list[asyncio.Task[BaseException | None]]", holders: list[Any]
    ) -> list[BaseException | None]:
        if not asked:
            return []
        began = clock.monotonic()
        _, late = await asyncio.wait(asked, timeout=CHECK_S)
        if late and clock.monotonic() - began > CHECK_S + GRACE_S:
            _, late = await asyncio.wait(late, timeout=GRACE_S)  # the answers may be there already
        for task, holder in zip(asked, holders, strict=True):
            if task in late:
                self._drop([holder], TimeoutError())  # which ends the task, too
        return [TimeoutError() if task in late else task.result() for task in asked]

    async def _ask(self, holder: Any) -> BaseException | None:  # noqa: ANN401 - asyncpg's
        """Ask one idle connection, taken out of the pool's queue meanwhile; returns why it is closed."""
        queue, connection = self._pool._queue, holder._con
        if holder not in queue._queue or connection is None:  # taken into use before its turn came
            return None
        place = queue._queue.index(holder)
        del queue._queue[place]
        try:
            if await connection.execute(WRITABLE) == YES:
                return None
            error: BaseException = RefusesWrites("it is a standby, or read-only")
        except Exception as failure:  # noqa: BLE001 - whatever it is, the connection can't be used
            error = failure
        finally:
            queue._queue.insert(min(place, len(queue._queue)), holder)
            queue._wakeup_next(queue._getters)
        self._drop([connection], error)
        return error

    def _note_progress(self) -> None:
        """Note since when each connection in use began no other statement."""
        now = clock.monotonic()
        self.in_use = {each for each in self.in_use if each._con is not None}
        counts = {each: each._con._protocol.queries_count for each in self.in_use}
        before = self._progress
        self._progress = {
            each: before[each] if each in before and before[each][0] == count else (count, now)
            for each, count in counts.items()
        }

    def _close_hanging(self, *, idle: int) -> None:
        """Close connections in use that hang since others were found to be useless."""
        self._note_progress()
        now = clock.monotonic()
        hangs = {each: since for each, (_, since) in self._progress.items() if now - since >= STALLED_S}
        self._drop(
            (each for each, since in hangs.items() if since <= self._evidence_at + SEEN_S), TimeoutError()
        )
        stuck = [each for each, since in hangs.items() if now - since >= EXHAUSTED_S]
        self.stuck = stuck if not idle and len(stuck) == self._pool.get_max_size() else []

    def drop_stuck(self, active: Collection[int]) -> None:
        """Close the connections of a pool that is stuck, except those whose server process works."""
        dead = [each for each in self.stuck if each.get_server_pid() not in active]
        self._drop(dead, TimeoutError())
