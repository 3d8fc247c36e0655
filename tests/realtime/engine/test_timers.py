"""Many time limits in one heap: none late, none lost."""

import asyncio
import random
import time
from functools import partial

import pytest

from hubbub.realtime.engine.timers import MAX_CANCELLED_TIMERS, MAX_LOOP_DELAY_S, TIMER_GRANULARITY_S, Timers


async def test_all_timers_fire_and_none_too_early() -> None:
    loop, timers, dice = asyncio.get_running_loop(), Timers(), random.Random(7)
    began = loop.time()
    called: list[tuple[float, float]] = []
    done = asyncio.Event()

    def call(wait_s: float) -> None:
        called.append((wait_s, loop.time() - began))

    for _ in range(200):
        wait_s = dice.random() / 5
        timers.after(wait_s, partial(call, wait_s))
    timers.after(0.25, done.set)

    await asyncio.wait_for(done.wait(), 10)

    assert all(after > wait_s - TIMER_GRANULARITY_S - 0.002 for wait_s, after in called)
    assert len(called) == 200
    assert not len(timers)


@pytest.mark.parametrize("held_up_s", [0.0, 0.05, 0.3])
async def test_a_timer_set_in_a_callback_counts_from_the_due_time(held_up_s: float) -> None:
    """A pong is due `ping_timeout` after its ping was; only a long delay counts for the client."""
    loop, timers = asyncio.get_running_loop(), Timers()
    asked: list[tuple[float, float]] = []

    def first() -> None:
        now = loop.time()
        timers.after(1.0, timers.close)
        asked.append((now, timers._heap[0][0]))

    timers.after(0.02, first)
    due = timers._heap[0][0]
    time.sleep(held_up_s)  # noqa: ASYNC251 - the loop is held up on purpose
    while not asked:  # noqa: ASYNC110 - it has no signal
        await asyncio.sleep(0.001)
    ((now, next_due),) = asked

    assert next_due == pytest.approx(max(due, now - MAX_LOOP_DELAY_S) + 1.0, abs=0.02)
    timers.close()


async def test_cancelled_timers_do_not_fire_and_are_removed() -> None:
    timers = Timers()
    called: list[int] = []
    kept = [timers.after(1000, lambda: called.append(1)) for _ in range(10)]
    for _ in range(MAX_CANCELLED_TIMERS * 3):
        timers.after(1000, lambda: called.append(2)).cancel()

    assert len(timers) == 10
    assert len(timers._heap) <= MAX_CANCELLED_TIMERS * 2 + 10
    for timer in kept:
        timer.cancel()
        timer.cancel()
    assert not len(timers)
    timers.close()
    assert not called
