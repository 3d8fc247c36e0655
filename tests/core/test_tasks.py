"""Background tasks that are kept, named, and never die unnoticed."""

import asyncio
from contextvars import ContextVar

import pytest

from hubbub.core import metrics, tasks
from hubbub.core.errors import Unavailable

seen: ContextVar[str] = ContextVar("seen", default="nothing")


async def test_a_task_starts_with_an_empty_context() -> None:
    seen.set("the caller's")

    async def look() -> str:
        return seen.get()

    assert await tasks.spawn(look(), name="look") == "nothing"


async def test_a_death_is_logged_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise RuntimeError("on purpose")

    before = metrics.counters["task_failures"]
    task = tasks.spawn(fail(), name="failing")
    await asyncio.wait([task])

    assert metrics.counters["task_failures"] == before + 1
    assert "background task failed" in caplog.text


async def test_a_loop_survives_and_logs_a_failure_once(caplog: pytest.LogCaptureFixture) -> None:
    steps, enough = 0, asyncio.Event()

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 6:
            enough.set()
        if steps in (1, 2, 3):
            raise RuntimeError("on purpose")

    task = tasks.spawn(tasks.run_periodically(0, step, name="step"), name="loop")
    async with asyncio.timeout(5):
        await enough.wait()
    await tasks.stop(task)

    assert caplog.text.count("a loop's step failed") == 1
    assert task.cancelled()
    await tasks.stop(task)
    await tasks.stop(None)


async def test_a_database_that_is_away_is_logged_by_who_notices(caplog: pytest.LogCaptureFixture) -> None:
    steps, enough = 0, asyncio.Event()

    async def step() -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            enough.set()
        raise Unavailable

    loop = tasks.spawn(tasks.run_periodically(0, step, name="step"), name="loop")
    async with asyncio.timeout(5):
        await enough.wait()
    await tasks.stop(loop)
    await asyncio.wait([tasks.spawn(step(), name="once")])

    assert caplog.text == ""


async def test_a_step_that_is_asked_for_often_runs_once_at_a_time_and_once_more():
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
