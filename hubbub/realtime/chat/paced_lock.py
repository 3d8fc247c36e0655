"""The turn of a user: of all their sockets one event runs at a time, for a bounded share of the time.

Connections to the database and the event loop are shared by all users. Rate limits count events, of which
some take a hundred times as long as others: a user with 20 sockets may ask for 400 pages of history a second.

What is charged is the processor time of the event loop while an event runs, that of others included. So an
event that waits for a store, or a machine that is busy with other programs, costs its user little.
"""

import asyncio

from hubbub.core import clock, metrics

CPU_BURST_S = 0.5  # of processor time, without a pause
CPU_SHARE = 0.2  # of the time, after that
MAX_CHARGE_S = 0.25  # that one event is charged


class PacedLock:
    """A lock in the order of asking, which is also left unused for a while by a user who had it for long."""

    __slots__ = ("_budget_s", "_lock", "_paced", "_refilled_at", "_started_cpu_s")

    def __init__(self, *, paced: bool) -> None:
        self._lock = asyncio.Lock()
        self._paced = paced
        self._budget_s = CPU_BURST_S
        self._started_cpu_s = 0.0  # processor time
        self._refilled_at = clock.monotonic()

    async def __aenter__(self) -> None:
        await self._lock.acquire()
        try:
            if self._paced and (pause_s := self._pause_s()) > 0:
                metrics.count("event_pauses")
                await asyncio.sleep(pause_s)
        except BaseException:
            self._lock.release()
            raise
        if self._paced:  # a call of the system
            self._started_cpu_s = clock.thread_time()

    async def __aexit__(self, *_: object) -> None:
        if self._paced:
            self._budget_s -= min(clock.thread_time() - self._started_cpu_s, MAX_CHARGE_S)
        self._lock.release()

    def _pause_s(self) -> float:
        """Seconds until the user may have the turn again; 0 or less: now."""
        now = clock.monotonic()
        self._budget_s = min(CPU_BURST_S, self._budget_s + (now - self._refilled_at) * CPU_SHARE)
        self._refilled_at = now
        return -self._budget_s / CPU_SHARE
