"""Background tasks are kept, named, and log their failures."""

import ast
import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import pytest

from hubbub.core import metrics, tasks
from hubbub.core.errors import Unavailable

Start = Callable[..., tasks.PeriodicTask]
WAIT_S = 5.0

seen: ContextVar[str] = ContextVar("seen", default="nothing")


async def test_a_task_starts_with_an_empty_context() -> None:
    seen.set("the caller's")

    async def look() -> str:
        return seen.get()

    assert await tasks.spawn(look(), name="look") == "nothing"


EAGER = sys.version_info >= (3, 12)  # earlier versions start each task in the next turn of the loop


async def test_an_eager_task_runs_up_to_its_first_wait_at_once() -> None:
    seen.set("the caller's")
    steps: list[str] = []
    go = asyncio.Event()

    async def work(*, waits: bool) -> None:
        steps.append(seen.get())
        if waits:
            await go.wait()
        steps.append("end")

    finished = tasks.spawn(work(waits=False), name="at once", eager=True)
    assert steps == (["nothing", "end"] if EAGER else [])
    await finished
    steps.clear()
    waiting = tasks.spawn(work(waits=True), name="waits", eager=True)
    assert steps == (["nothing"] if EAGER else [])
    assert waiting in tasks._running_tasks
    go.set()
    await waiting
    await asyncio.sleep(0)

    assert steps == ["nothing", "end"]
    assert not {waiting, finished} & tasks._running_tasks


@pytest.mark.parametrize("eager", [False, True])
async def test_a_failed_task_is_logged_and_counted(caplog: pytest.LogCaptureFixture, eager: bool) -> None:
    async def fail() -> None:
        raise RuntimeError("on purpose")

    before = metrics.counters["task_failures"]
    task = tasks.spawn(fail(), name="failing", eager=eager)
    await asyncio.wait([task])

    assert metrics.counters["task_failures"] == before + 1
    assert "background task failed" in caplog.text


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Starts a periodic task without a pause, and closes it after the test."""
    async with AsyncExitStack() as stack:

        def make(step: Callable[[], Awaitable[None]], **options: Any) -> tasks.PeriodicTask:
            task = tasks.PeriodicTask(step, name="step", **{"interval_s": 0, **options})
            stack.push_async_callback(task.close)
            task.start()
            return task

        yield make


class Steps:
    """A step that fails as listed in `outcomes`, and then succeeds."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self.outcomes = list(outcomes)
        self.runs = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        if not self.outcomes:
            self.done.set()
            return
        if (error := self.outcomes.pop(0)) is not None:
            raise error


async def test_a_periodic_task_survives_and_logs_a_series_of_failures_once(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    before = metrics.counters["loop_failures"]
    error = RuntimeError("on purpose")
    step = Steps(error, Unavailable(), error, None, error)

    start(step)
    await asyncio.wait_for(step.done.wait(), WAIT_S)

    assert caplog.text.count("a periodic task failed") == 2
    assert caplog.text.count("a periodic task works again") == 2
    assert metrics.counters["loop_failures"] == before + 4


async def test_an_unavailable_database_is_logged_by_its_own_check(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    step = Steps(Unavailable(), Unavailable())

    start(step)
    await asyncio.wait_for(step.done.wait(), WAIT_S)
    await asyncio.wait([tasks.spawn(Steps(Unavailable())(), name="once")])

    assert caplog.text == ""


async def test_close_waits_for_the_end_of_the_run_and_may_be_called_twice(start: Start) -> None:
    began, ended = asyncio.Event(), []

    async def step() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    task = start(step)
    await asyncio.wait_for(began.wait(), WAIT_S)
    await task.close()
    await task.close()

    assert ended == [True]
    assert not task.running


async def test_a_periodic_task_that_is_started_twice_runs_once_and_can_start_again(start: Start) -> None:
    step = Steps()

    task = start(step, interval_s=3600, immediately=True)
    task.start()
    await asyncio.wait_for(step.done.wait(), WAIT_S)
    await task.close()
    step.done.clear()
    task.start()
    await asyncio.wait_for(step.done.wait(), WAIT_S)

    assert step.runs == 2


async def test_closing_a_periodic_task_that_never_started_does_nothing() -> None:
    task = tasks.PeriodicTask(Steps(), name="step", interval_s=1)

    await task.close()
    await tasks.stop(None)

    assert not task.running


async def test_run_once_runs_without_a_pause_and_raises_what_the_step_raises() -> None:
    step = Steps(RuntimeError("on purpose"))
    task = tasks.PeriodicTask(step, name="step", interval_s=3600)

    with pytest.raises(RuntimeError, match="on purpose"):
        await task.run_once()
    await task.run_once()

    assert step.runs == 2


async def test_a_set_event_ends_the_pause(start: Start) -> None:
    wake, step = asyncio.Event(), Steps()

    start(step, interval_s=3600, wake=wake)
    wake.set()
    await asyncio.wait_for(step.done.wait(), WAIT_S)

    assert not wake.is_set()


async def test_the_pause_can_depend_on_the_last_run(start: Start) -> None:
    step = Steps(None, RuntimeError("on purpose"))
    failing: list[bool] = []

    def pause_s() -> float:
        failing.append(task.failing)
        return 0

    task = start(step, interval_s=pause_s, immediately=True)
    await asyncio.wait_for(step.done.wait(), WAIT_S)
    await asyncio.sleep(0)

    assert failing[:3] == [False, True, False]


async def test_a_step_requested_repeatedly_runs_once_at_a_time_and_once_more():
    running, runs, go = 0, [], asyncio.Event()

    async def step() -> None:
        nonlocal running
        running += 1
        runs.append(running)
        await go.wait()
        running -= 1

    soon = tasks.CoalescingTask(step, name="a step")
    for _ in range(5):
        soon.trigger()
        await asyncio.sleep(0)
    go.set()
    async with asyncio.timeout(5):
        while running or soon._queued:  # noqa: ASYNC110 - it has no signal
            await asyncio.sleep(0)

    assert runs == [1, 1]


# Loops that end with what they wait for.
ENDING_LOOPS = {
    "hubbub/core/tasks.py:_run",  # the one loop without an end
    "hubbub/db/engines/sqlite.py:retry_while_busy",
    "hubbub/prove/instances.py:restart",
    "hubbub/prove/waiting.py:until",
    "hubbub/workers/worker.py:_store_outcome",  # until the database is available
}


def endless_loops_with_a_pause(path: Path) -> list[str]:
    """Functions with a `while True` that pauses for a time."""
    return [
        f"{path}:{function.name}"
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.AsyncFunctionDef)
        for loop in ast.walk(function)
        if isinstance(loop, ast.While) and ast.unparse(loop.test) == "True" and pauses(loop)
    ]


def pauses(loop: ast.While) -> bool:
    calls = [ast.unparse(node) for node in ast.walk(loop) if isinstance(node, ast.Call)]
    return any(
        call == "self._pause()" or (call.startswith("asyncio.sleep(") and call != "asyncio.sleep(0)")
        for call in calls
    )


def test_periodic_work_is_a_periodic_task() -> None:
    root = Path(__file__).parents[2]
    found = [
        loop.removeprefix(f"{root}/")
        for path in sorted((root / "hubbub").rglob("*.py"))
        for loop in endless_loops_with_a_pause(path)
    ]

    assert set(found) == ENDING_LOOPS
