"""Background tasks: referenced, named, and logged when they fail."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from typing import Any

from hubbub.core import metrics
from hubbub.core.errors import Unavailable

log = logging.getLogger(__name__)
_running_tasks: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, Any], *, name: str, eager: bool = False) -> asyncio.Task[Any]:
    """Start a coroutine as a task; keep a reference to it and log its failure.

    The task starts with an empty context. A task that inherited the caller's database transaction would
    write through it after its end (docs/decisions/0003-storage.md). An `eager` one runs up to its first wait
    before this returns, where Python can do that (3.12); what never waits then costs no turn of the loop.
    """
    loop = asyncio.get_running_loop()
    if eager and sys.version_info >= (3, 12):
        task = asyncio.Task(coroutine, loop=loop, name=name, context=Context(), eager_start=True)
        if task.done():
            _on_done(task)
            return task
    else:
        task = loop.create_task(coroutine, name=name, context=Context())
    _running_tasks.add(task)
    task.add_done_callback(_on_done)
    return task


def _on_done(task: asyncio.Task[Any]) -> None:
    _running_tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        metrics.count("task_failures")
        if isinstance(error, Unavailable):
            return  # logged once by the module that noticed it
        log.error("background task failed", exc_info=error, extra={"task": task.get_name()})


class PeriodicTask:
    """Run a function again and again, with a pause in between, until it is closed.

    The task survives exceptions of the function. Each one is counted in `loop_failures`. The first of a
    series is logged, and so is the run that ends the series. Unavailable is not logged here: the module that
    notices it first logs it.
    """

    def __init__(
        self,
        function: Callable[[], Awaitable[None]],
        *,
        name: str,
        interval_s: float | Callable[[], float],
        wake: asyncio.Event | None = None,
        immediately: bool = False,
    ) -> None:
        """Describe the task; nothing runs before `start`.

        `interval_s` is the pause in seconds between two runs, or a function that returns the next pause.
        Setting `wake` ends the pause. It is cleared before the run. With `immediately`, the first run has no
        pause before it.
        """
        self._function = function
        self._name = name  # of the asyncio task, and in log lines
        self._interval_s = interval_s
        self._wake = wake or asyncio.Event()  # ends the pause
        self._immediately = immediately  # without a pause before the first run
        self._task: asyncio.Task[None] | None = None  # None unless the task runs
        self._logged = False  # whether the present series of failures is in the log
        self.failing = False  # whether the last run of the task failed

    @property
    def running(self) -> bool:
        """Whether the task was started and not closed."""
        return self._task is not None

    def start(self) -> None:
        """Begin running. Does nothing if the task runs already."""
        if self._task is None:
            self._task = spawn(self._run(), name=self._name)

    async def close(self) -> None:
        """Cancel the present run and wait for its end, at most 5 s. Safe to call twice."""
        task, self._task = self._task, None
        await stop(task)

    async def run_once(self) -> None:
        """Run the function once, beside the task, without a pause. Raises what the function raises."""
        await self._function()

    async def _run(self) -> None:
        if not self._immediately:
            await self._pause()
        while True:
            await self._run_safely()
            await self._pause()

    async def _pause(self) -> None:
        interval_s = self._interval_s if isinstance(self._interval_s, float | int) else self._interval_s()
        if interval_s <= 0:
            await asyncio.sleep(0)  # a function that never waits must not hold up the event loop
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await self._wake.wait()

    async def _run_safely(self) -> None:
        self._wake.clear()
        try:
            await self.run_once()
        except Unavailable:
            metrics.count("loop_failures")
            self.failing = True
        except Exception:
            metrics.count("loop_failures")
            if not self._logged:
                log.exception("a periodic task failed and continues", extra={"loop": self._name})
            self.failing = self._logged = True
        else:
            if self._logged:
                log.info("a periodic task works again", extra={"loop": self._name})
            self.failing = self._logged = False


class CoalescingTask:
    """Run a function soon after each trigger: one run at a time, and at most one more that waits."""

    def __init__(self, function: Callable[[], Awaitable[None]], *, name: str) -> None:
        self._function = function
        self._name = name  # of the asyncio task
        self._lock = asyncio.Lock()  # held during a run
        self._queued = False  # whether a run waits for the present one

    def trigger(self) -> None:
        """Schedule a run that begins after this call. A failure is logged like that of any task."""
        if not self._queued:
            self._queued = True
            spawn(self._run(), name=self._name)

    async def _run(self) -> None:
        async with self._lock:
            self._queued = False
            await self._function()


async def stop(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait for its end, at most 5 s."""
    if task is None or task.done():
        return
    task.cancel()
    await asyncio.wait([task], timeout=5)
