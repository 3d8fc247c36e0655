"""Background tasks that are kept, named, and never die unnoticed."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

from hubbub.core import metrics
from hubbub.core.errors import Unavailable

log = logging.getLogger(__name__)
_running_tasks: set[asyncio.Task[Any]] = set()


def spawn(coroutine: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
    """Start `work` beside the caller; keeps a reference and logs its death.

    It starts with an empty context: a task that inherited the caller's database transaction would go on
    writing through it after its end (docs/decisions/0003-storage.md).
    """
    task = asyncio.get_running_loop().create_task(coroutine, name=name, context=Context())
    _running_tasks.add(task)
    task.add_done_callback(_on_done)
    return task


def _on_done(task: asyncio.Task[Any]) -> None:
    _running_tasks.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        metrics.count("task_failures")
        if isinstance(error, Unavailable):
            return  # what is away was logged once, by who noticed
        log.error("background task failed", exc_info=error, extra={"task": task.get_name()})


async def run_periodically(interval_s: float, function: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Run `step` again and again, `seconds` apart; survives its exceptions.

    A failure is logged when it begins, not each time it repeats, and counted each time. That the database
    is away is logged by who notices first, and nowhere else.
    """
    failing = False
    while True:
        await asyncio.sleep(interval_s)
        try:
            await function()
        except Unavailable:
            metrics.count("loop_failures")
        except Exception:
            metrics.count("loop_failures")
            if not failing:
                log.exception("a loop's step failed; it goes on", extra={"loop": name})
            failing = True
        else:
            if failing:
                log.info("a loop recovered", extra={"loop": name})
            failing = False


class CoalescingTask:
    """Runs a step at once, however often it is asked to: one run at a time, and at most one that waits."""

    def __init__(self, function: Callable[[], Awaitable[None]], *, name: str) -> None:
        self._function = function
        self._name = name
        self._lock = asyncio.Lock()
        self._queued = False

    def trigger(self) -> None:
        """Run the step, beginning after now. It fails as other tasks do."""
        if not self._queued:
            self._queued = True
            spawn(self._run(), name=self._name)

    async def _run(self) -> None:
        async with self._lock:
            self._queued = False
            await self._function()


async def stop(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task and wait for its end."""
    if task is None or task.done():
        return
    task.cancel()
    await asyncio.wait([task], timeout=5)
