"""Consecutive failures, and the waits that grow with them."""

import pytest

from hubbub.core import clock
from hubbub.ratelimit.backoff import FAILURE_TTL_MS, SUCCESS_TTL_MS, FailureCounter, FailureState


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
    assert FailureState(failures, since_ms, succeeded_before=False).delay_ms(free_failures=10) == wait_ms


@pytest.fixture
def time(monkeypatch):
    """The milliseconds that passed; a test adds to them."""
    passed = [1_000_000]
    monkeypatch.setattr(clock, "monotonic", lambda: passed[0] / 1000)
    return passed


def test_failures_expire(time) -> None:
    attempts = FailureCounter()
    attempts.record("ada", "fail")
    time[0] += 60_000
    assert attempts.record("ada", "fail") == FailureState(2, 0, succeeded_before=False)
    time[0] += 5000
    assert attempts.record("ada", "look") == FailureState(2, 5000, succeeded_before=False)

    time[0] += FAILURE_TTL_MS
    assert attempts.record("ada", "look").failures == 0
    assert attempts.record("ada", "fail").failures == 1


def test_a_success_is_remembered_for_a_month(time) -> None:
    attempts = FailureCounter()
    attempts.record("ada", "fail")

    assert attempts.record("ada", "clear") == FailureState(0, 0, succeeded_before=True)
    time[0] += SUCCESS_TTL_MS - 1000
    assert attempts.record("ada", "fail").succeeded_before
    time[0] += 2000
    assert not attempts.record("ada", "look").succeeded_before


@pytest.mark.parametrize("failures", [2, 11, 40])
@pytest.mark.parametrize("act", ["fail", "clear", "ease"])
def test_many_keys_hide_no_failure(time, failures: int, act) -> None:
    attempts = FailureCounter(max_keys=100)
    for _ in range(failures):
        attempts.record("victim", "fail")

    for number in range(1000):
        time[0] += 1
        attempts.record(f"flood-{number}", act)

    assert attempts.record("victim", "look").failures >= failures
    assert len(attempts) <= 200


def test_an_evicted_key_keeps_its_number_of_failures(time) -> None:
    attempts = FailureCounter(max_keys=10)
    for _ in range(4):
        for number in range(20):
            attempts.record(f"flood-{number}", "fail")

    assert all(attempts.record(f"flood-{number}", "look").failures >= 4 for number in range(20))
    assert attempts.record("new", "look").failures <= 8  # 80 failures, 10 keys
    time[0] += FAILURE_TTL_MS + 1
    assert attempts.record("new", "look").failures == 0


def test_many_failures_remove_no_success(time) -> None:
    attempts = FailureCounter(max_keys=10)
    attempts.record("ada", "clear")

    for number in range(1000):
        time[0] += 1
        attempts.record(f"flood-{number}", "fail")

    assert attempts.record("ada", "look").succeeded_before
    assert attempts.record("ada", "clear").failures == 0
    assert attempts.record("ada", "look").failures == 0


def test_expired_keys_use_no_memory(time) -> None:
    attempts = FailureCounter()
    for number in range(1000):
        attempts.record(f"flood-{number}", "fail" if number % 2 else "clear")

    time[0] += SUCCESS_TTL_MS + 1
    for _ in range(500):
        attempts.record("ada", "look")

    assert len(attempts) == 0
