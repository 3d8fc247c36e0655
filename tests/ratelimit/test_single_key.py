"""GCRA for one caller: the same decisions as the limiter with keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core import clock
from hubbub.ratelimit.gcra import GcraLimiter
from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter


class Clock:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(clock, "monotonic", made)
    return made


@pytest.mark.usefixtures("time")
def test_a_burst_is_available_at_once_and_then_the_time_until_the_next_one() -> None:
    limiter = SingleKeyLimiter(Rate(3, 10))

    assert [limiter.acquire() for _ in range(5)] == [0, 0, 0, 100, 100]


def test_time_restores_the_burst_and_no_more(time: Clock) -> None:
    limiter = SingleKeyLimiter(Rate(3, 10))
    for _ in range(3):
        limiter.acquire()

    time.now += 0.2
    assert [limiter.acquire() > 0 for _ in range(3)] == [False, False, True]
    time.now += 3600
    assert [limiter.acquire() > 0 for _ in range(4)] == [False, False, False, True]


@pytest.mark.usefixtures("time")
def test_a_refund_can_be_taken_again() -> None:
    limiter = SingleKeyLimiter(Rate(1, 0.001))
    limiter.acquire()

    limiter.refund()

    assert [limiter.acquire() > 0 for _ in range(2)] == [False, True]


def test_a_refund_without_an_acquire_adds_nothing(time: Clock) -> None:
    limiter = SingleKeyLimiter(Rate(1, 1))
    for _ in range(5):
        limiter.refund()
    time.now += 1

    assert [limiter.acquire() > 0 for _ in range(2)] == [False, True]


def test_to_look_takes_none(time: Clock) -> None:
    limiter = SingleKeyLimiter(Rate(1, 2))

    assert [limiter.wait_ms() for _ in range(3)] == [0, 0, 0]
    limiter.acquire()
    assert (limiter.ready, limiter.wait_ms()) == (False, 500)
    time.now += 0.5
    assert (limiter.wait_ms(), limiter.acquire()) == (0, 0)


def test_ready_holds_while_one_is_left(time: Clock) -> None:
    limiter = SingleKeyLimiter(Rate(2, 1))

    found = []
    for _ in range(3):
        found.append(limiter.ready)
        limiter.acquire()
    time.now += 10
    limiter.acquire()

    assert found == [True, True, False]
    assert limiter.ready


def test_off_is_no_limit() -> None:
    limiter = SingleKeyLimiter(None)

    assert not any(limiter.acquire() or limiter.wait_ms() for _ in range(1000))
    assert limiter.ready


@given(
    st.builds(Rate, st.integers(1, 50), st.floats(0.01, 1000)),
    st.lists(st.floats(0, 100).map(lambda seconds: round(seconds, 4)), max_size=200),
)
def test_it_decides_as_the_limiter_with_keys(rate: Rate, pauses: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        time = Clock()
        patch.setattr(clock, "monotonic", time)
        single, keyed = SingleKeyLimiter(rate), GcraLimiter()

        for pause in pauses:
            time.now += pause
            assert single.acquire() == keyed.acquire("ada", rate).wait_ms
