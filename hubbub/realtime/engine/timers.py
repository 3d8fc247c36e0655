"""One heap for all time limits and heartbeats: no task and no loop handle per connection."""

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

TIMER_GRANULARITY_S = 0.005  # those due within it run together, with the first of them: never late
MAX_LOOP_DELAY_S = 0.1  # by which a busy loop may shorten somebody's time, and no more
MAX_CANCELLED_TIMERS = 1000  # cancelled ones that may lie in the heap before it is cleaned


class Timer:
    """One thing to be done at a time."""

    __slots__ = ("callback", "owner")

    def __init__(self, callback: Callable[[], object], owner: "Timers") -> None:
        self.callback: Callable[[], object] | None = callback
        self.owner = owner

    def cancel(self) -> None:
        """Do it no more; again is no error."""
        if self.callback is not None:
            self.callback = None
            self.owner.on_cancelled()


class Timers:
    """Calls back in time; a callback must not block and must not raise."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = count()
        self._cancelled_count = 0
        self._next_at = float("inf")
        self._now: float | None = None
        self._handle: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled_count

    def after(self, seconds: float, callback: Callable[[], object]) -> Timer:
        """Call back once, `seconds` from now; within a callback, from when that one was due."""
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
        """A timer was cancelled; when they are most of the heap, it is made anew."""
        self._cancelled_count += 1
        if self._cancelled_count > MAX_CANCELLED_TIMERS and self._cancelled_count * 2 > len(self._heap):
            self._heap[:] = [entry for entry in self._heap if entry[2].callback is not None]
            heapq.heapify(self._heap)
            self._cancelled_count = 0

    def close(self) -> None:
        """Drop everything."""
        if self._handle is not None:
            self._handle.cancel()
        self._heap.clear()
        self._cancelled_count, self._next_at, self._handle = 0, float("inf"), None
