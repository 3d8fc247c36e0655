"""Work within a limited time of each turn of the event loop."""

import asyncio
from collections.abc import Callable

import pytest

from hubbub.core import metrics, turn_budget
from hubbub.core.turn_budget import TurnBudget


class Work:
    """Pieces of work that each take a millisecond, by a clock of their own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        self.done: list[object] = []
        monkeypatch.setattr("hubbub.core.clock.monotonic", lambda: self.now)

    def piece(self, name: object) -> Callable[[], None]:
        def work() -> None:
            self.now += 0.001
            self.done.append(name)

        return work


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    return Work(monkeypatch)


async def test_work_runs_at_once_until_the_time_of_the_turn_is_used(work: Work) -> None:
    budget = TurnBudget(0.002)

    assert [budget.try_run(work.piece(number)) for number in range(4)] == [True, True, False, False]
    assert work.done == [0, 1]

    await asyncio.sleep(0)
    assert budget.try_run(work.piece("next turn"))


async def test_waiting_work_runs_in_order_over_several_turns(work: Work) -> None:
    budget = TurnBudget(0.002)
    for number in range(5):
        budget.enqueue(work.piece(number))
    turns = []

    while len(budget):
        await asyncio.sleep(0)
        turns.append(list(work.done))

    assert turns == [[0, 1], [0, 1, 2, 3], [0, 1, 2, 3, 4]]


async def test_new_work_does_not_overtake_waiting_work(work: Work) -> None:
    budget = TurnBudget(0.002)
    budget.enqueue(work.piece("first"))

    assert not budget.try_run(work.piece("second"))
    await asyncio.sleep(0)
    assert budget.try_run(work.piece("third"))
    assert work.done == ["first", "third"]


async def test_other_callbacks_of_the_loop_run_between_the_turns(work: Work) -> None:
    budget = TurnBudget(0.001)
    for number in range(3):
        budget.enqueue(work.piece(number))

    def other() -> None:
        work.done.append("other")
        if len(budget):
            asyncio.get_running_loop().call_soon(other)

    other()
    for _ in range(5):
        await asyncio.sleep(0)

    assert work.done[:5] == ["other", 0, "other", 1, "other"]


async def test_a_failure_does_not_stop_the_work_after_it(
    work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("on purpose")

    budget, before = TurnBudget(0.002), metrics.counters["task_failures"]
    budget.enqueue(fail)
    budget.enqueue(work.piece("after"))
    await asyncio.sleep(0)

    assert work.done == ["after"]
    assert metrics.counters["task_failures"] == before + 1
    assert "on purpose" in caplog.text
    with pytest.raises(RuntimeError):
        budget.try_run(fail)


async def test_a_piece_that_takes_long_is_followed_by_one_in_each_turn(work: Work) -> None:
    budget = TurnBudget(0.0005)
    for number in range(3):
        budget.enqueue(work.piece(number))
    for _ in range(3):
        await asyncio.sleep(0)

    assert work.done == [0, 1, 2]


async def test_it_is_full_when_too_much_waits(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn_budget, "MAX_WAITING", 2)
    budget = TurnBudget(0.001)
    states = [budget.full]
    for number in range(2):
        budget.enqueue(work.piece(number))
        states.append(budget.full)
    await asyncio.sleep(0)

    assert [*states, budget.full] == [False, False, True, False]
