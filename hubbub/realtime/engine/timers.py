"""One heap for all time limits and heartbeats, instead of a task or a loop handle per connection."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

TIMER_GRANULARITY_S = 0.005  # timers that are due within it run together with the first of them, never late
MAX_LOOP_DELAY_S = 0.1  # the most by which a busy event loop shortens the time of a client
MAX_CANCELLED_TIMERS = 1000  # cancelled timers in the heap before it is rebuilt


class Timer:
    """One scheduled call."""

    __slots__ = ("callback", "owner")

    def __init__(self, callback: Callable[[], object], owner: "Timers") -> None:
        self.callback: Callable[[], object] | None = callback  # None: it ran or was cancelled
        self.owner = owner  # counts the cancelled timers

    def cancel(self) -> None:
        """Cancel the call. Safe to call twice, or after the call."""
        if self.callback is not None:
            self.callback = None
            self.owner.on_cancelled()


class Timers:
    """Calls functions after a time. A callback must not block and must not raise."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []  # loop time when due, sequence number, timer
        self._sequence = count()  # orders timers that are due at the same time
        self._cancelled_count = 0  # cancelled timers in the heap
        self._next_at = float("inf")  # loop time for which `_handle` is scheduled
        self._now: float | None = None  # while a callback runs: the loop time when it was due
        self._handle: asyncio.TimerHandle | None = None  # the call of `_run`

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled_count

    def after(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` once, `seconds` from now; within a callback, from the time when that was due."""
        loop = asyncio.get_running_loop()
        timer = Timer(callback, self)
        when = (self._now or loop.time()) + seconds
        heapq.heappush(self._heap, (when, next(self._sequence), timer))
        if when < self._next_at:
            self._schedule(loop, when)
        return timer

    def _schedule(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._next_at = when
        self._handle = loop.call_at(when, self._run)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        heap = self._heap
        self._handle, self._next_at = None, float("inf")
        try:
            while heap and heap[0][0] <= now + TIMER_GRANULARITY_S:
                due, _, timer = heapq.heappop(heap)
                callback, timer.callback = timer.callback, None
                if callback is None:
                    self._cancelled_count -= 1
                else:
                    self._now = max(due, now - MAX_LOOP_DELAY_S)
                    callback()
        finally:
            self._now = None
            if heap and heap[0][0] < self._next_at:
                self._schedule(loop, heap[0][0])

    def on_cancelled(self) -> None:
        """Count a cancelled timer. Rebuild the heap when most of it is cancelled."""
        self._cancelled_count += 1
        if self._cancelled_count > MAX_CANCELLED_TIMERS and self._cancelled_count * 2 > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled_count = 0

    def close(self) -> None:
        """Drop all timers."""
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()
        self._cancelled_count, self._next_at, self._handle = 0, float("inf"), None
