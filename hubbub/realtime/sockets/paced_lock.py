"""A lock per user: one event of all the user's sockets runs at a time, for a limited share of the time.

All users share the connections to the database and the event loop. Rate limits count events, of which some
take a hundred times as long as others: a user with 20 sockets may request 400 pages of history a second.

The charge is the processor time of the event loop while an event runs, that of other events included. So an
event that waits for a store, or a machine that is busy with other programs, costs its user little.
"""

import asyncio

from hubbub.core import clock, metrics

CPU_BURST_S = 0.5  # processor time without a pause
CPU_SHARE = 0.2  # share of the time after that
MAX_CHARGE_S = 0.25  # the most that one event is charged


class PacedLock:
    """A lock in the order of the calls, which pauses before its next use if the budget is exhausted."""

    __slots__ = ("_budget_s", "_lock", "_paced", "_refilled_at", "_started_cpu_s", "_users")

    def __init__(self, *, paced: bool) -> None:
        self._lock: asyncio.Lock | None = None  # orders the calls; None while there are none
        self._paced = paced  # whether use is charged
        self._budget_s = CPU_BURST_S  # processor time that is left; negative: a debt
        self._started_cpu_s = 0.0  # processor time when the lock was acquired
        self._refilled_at = clock.monotonic()  # monotonic time of the last refill
        self._users = 0  # callers that wait for the lock or hold it

    async def __aenter__(self) -> None:
        self._users += 1
        lock = self._lock = self._lock or asyncio.Lock()
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise
        try:
            if self._paced and (pause_s := self._pause_s()) > 0:
                metrics.count("event_pauses")
                await asyncio.sleep(pause_s)
        except BaseException:
            lock.release()
            self._leave()
            raise
        if self._paced:  # reading the processor time is a system call
            self._started_cpu_s = clock.thread_time()

    async def __aexit__(self, *_: object) -> None:
        if self._paced:
            self._charge()
        if self._lock is not None:
            self._lock.release()
        self._leave()

    def _leave(self) -> None:
        self._users -= 1
        if not self._users:
            self._lock = None

    def start_immediate(self) -> bool:
        """Start an event that never waits, and return True; False if the lock is in use or a pause is due.

        After True, call `end_immediate` in the same turn of the event loop.
        """
        if self._users:
            return False
        if self._paced:
            if self._pause_s() > 0:
                return False
            self._started_cpu_s = clock.thread_time()
        return True

    def end_immediate(self) -> None:
        """Charge an event that `start_immediate` started."""
        if self._paced:
            self._charge()

    def _charge(self) -> None:
        self._budget_s -= min(clock.thread_time() - self._started_cpu_s, MAX_CHARGE_S)

    def _pause_s(self) -> float:
        """Refill the budget. Return the seconds until the lock may be used, 0 or less for now."""
        now = clock.monotonic()
        self._budget_s = min(CPU_BURST_S, self._budget_s + (now - self._refilled_at) * CPU_SHARE)
        self._refilled_at = now
        return -self._budget_s / CPU_SHARE
