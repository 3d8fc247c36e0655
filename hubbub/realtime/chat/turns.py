"""The turn of a user: of all their sockets one event runs at a time, for a bounded share of the time.

Connections to the database and the event loop are shared by all users. Rate limits count events, of which
some take a hundred times as long as others: a user with 20 sockets may ask for 400 pages of history a second.

What is charged is the processor time of the event loop while an event runs, that of others included. So an
event that waits for a store, or a machine that is busy with other programs, costs its user little.
"""

import asyncio

from hubbub.core import clock, metrics

BURST_S = 0.5  # of processor time, without a pause
SHARE = 0.2  # of the time, after that
MOST_S = 0.25  # that one event is charged


class Turn:
    """A lock in the order of asking, which is also left unused for a while by a user who had it for long."""

    __slots__ = ("_began", "_filled_at", "_left_s", "_lock", "_paced")

    def __init__(self, *, paced: bool) -> None:
        self._lock = asyncio.Lock()
        self._paced = paced
        self._left_s = BURST_S
        self._began = 0.0  # processor time
        self._filled_at = clock.monotonic()

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
            self._began = clock.thread_time()

    async def __aexit__(self, *_: object) -> None:
        if self._paced:
            self._left_s -= min(clock.thread_time() - self._began, MOST_S)
        self._lock.release()

    def _pause_s(self) -> float:
        """Seconds until the user may have the turn again; 0 or less: now."""
        now = clock.monotonic()
        self._left_s = min(BURST_S, self._left_s + (now - self._filled_at) * SHARE)
        self._filled_at = now
        return -self._left_s / SHARE
