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


@pytest.mark.parametrize("failures", [2, 11, 40])
@pytest.mark.parametrize("act", ["fail", "clear", "ease"])
def test_a_flood_of_keys_hides_no_failure(time, failures: int, act) -> None:
    attempts = Attempts(most=100)
    for _ in range(failures):
        attempts.note("victim", "fail")

    for number in range(1000):
        time[0] += 1
        attempts.note(f"flood-{number}", act)

    assert attempts.note("victim", "look").failures >= failures
    assert len(attempts) <= 200


def test_a_key_that_was_replaced_counts_as_failed_as_often(time) -> None:
    attempts = Attempts(most=10)
    for _ in range(4):
        for number in range(20):
            attempts.note(f"flood-{number}", "fail")

    assert all(attempts.note(f"flood-{number}", "look").failures >= 4 for number in range(20))
    assert attempts.note("new", "look").failures <= 8  # 80 failures, 10 keys
    time[0] += FORGET_MS + 1
    assert attempts.note("new", "look").failures == 0


def test_a_flood_of_failures_removes_no_success(time) -> None:
    attempts = Attempts(most=10)
    attempts.note("ada", "clear")

    for number in range(1000):
        time[0] += 1
        attempts.note(f"flood-{number}", "fail")

    assert attempts.note("ada", "look").known
    assert attempts.note("ada", "clear").failures == 0
    assert attempts.note("ada", "look").failures == 0


def test_what_expired_takes_no_memory(time) -> None:
    attempts = Attempts()
    for number in range(1000):
        attempts.note(f"flood-{number}", "fail" if number % 2 else "clear")

    time[0] += KNOWN_MS + 1
    for _ in range(500):
        attempts.note("ada", "look")

    assert len(attempts) == 0
