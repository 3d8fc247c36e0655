"""Failures in a row, and the waits that grow with them."""

import pytest

from hubbub.core import clock
from hubbub.core.attempts import FORGET_MS, KNOWN_MS, Attempts, Standing


@pytest.mark.parametrize(
    ("failures", "since_ms", "wait_ms"),
    [
        (0, 0, 0),
        (10, 0, 0),
        (11, 0, 1000),
        (12, 0, 2000),
        (12, 1500, 500),
        (12, 5000, 0),
        (20, 0, 512_000),
        (21, 0, 900_000),
        (10_000_000, 0, 900_000),
    ],
)
def test_waits_double_up_to_a_quarter_of_an_hour(failures, since_ms, wait_ms) -> None:
    assert Standing(failures, since_ms, known=False).wait_ms(free=10) == wait_ms


@pytest.fixture
def time(monkeypatch):
    """The milliseconds that passed; a test adds to them."""
    passed = [1_000_000]
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0] / 1000)
    return passed


def test_what_failed_is_forgotten_after_a_while(time) -> None:
    attempts = Attempts()
    attempts.note("ada", "fail")
    time[0] += 60_000
    assert attempts.note("ada", "fail") == Standing(2, 0, known=False)
    time[0] += 5000
    assert attempts.note("ada", "look") == Standing(2, 5000, known=False)

    time[0] += FORGET_MS
    assert attempts.note("ada", "look").failures == 0
    assert attempts.note("ada", "fail").failures == 1


def test_who_succeeded_is_known_for_a_month(time) -> None:
    attempts = Attempts()
    attempts.note("ada", "fail")

    assert attempts.note("ada", "clear") == Standing(0, 0, known=True)
    time[0] += KNOWN_MS - 1000
    assert attempts.note("ada", "fail").known
    time[0] += 2000
    assert not attempts.note("ada", "look").known


def test_memory_is_bounded() -> None:
    attempts = Attempts(most=2)
    for key in ("ada", "bob", "ada", "eve"):
        attempts.note(key, "fail")

    assert [attempts.note(key, "look").failures for key in ("ada", "bob", "eve")] == [2, 0, 1]
