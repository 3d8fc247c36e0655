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
    attempts.record_failure("ada")
    time[0] += 60_000
    assert attempts.record_failure("ada") == FailureState(2, 0, succeeded_before=False)
    time[0] += 5000
    assert attempts.peek("ada") == FailureState(2, 5000, succeeded_before=False)

    time[0] += FAILURE_TTL_MS
    assert attempts.peek("ada").failures == 0
    assert attempts.record_failure("ada").failures == 1


def test_a_success_is_remembered_for_a_month(time) -> None:
    attempts = FailureCounter()
    attempts.record_failure("ada")

    assert attempts.reset("ada") == FailureState(0, 0, succeeded_before=True)
    time[0] += SUCCESS_TTL_MS - 1000
    assert attempts.record_failure("ada").succeeded_before
    time[0] += 2000
    assert not attempts.peek("ada").succeeded_before


@pytest.mark.parametrize("failures", [2, 11, 40])
@pytest.mark.parametrize(
    "update", [FailureCounter.record_failure, FailureCounter.reset, FailureCounter.forgive_one]
)
def test_many_keys_hide_no_failure(time, failures: int, update) -> None:
    attempts = FailureCounter(max_keys=100)
    for _ in range(failures):
        attempts.record_failure("victim")

    for number in range(1000):
        time[0] += 1
        update(attempts, f"flood-{number}")

    assert attempts.peek("victim").failures >= failures
    assert len(attempts) <= 200


def test_an_evicted_key_keeps_its_number_of_failures(time) -> None:
    attempts = FailureCounter(max_keys=10)
    for _ in range(4):
        for number in range(20):
            attempts.record_failure(f"flood-{number}")

    assert all(attempts.peek(f"flood-{number}").failures >= 4 for number in range(20))
    assert attempts.peek("new").failures <= 8  # 80 failures, 10 keys
    time[0] += FAILURE_TTL_MS + 1
    assert attempts.peek("new").failures == 0


def test_many_failures_remove_no_success(time) -> None:
    attempts = FailureCounter(max_keys=10)
    attempts.reset("ada")

    for number in range(1000):
        time[0] += 1
        attempts.record_failure(f"flood-{number}")

    assert attempts.peek("ada").succeeded_before
    assert attempts.reset("ada").failures == 0
    assert attempts.peek("ada").failures == 0


def test_expired_keys_use_no_memory(time) -> None:
    attempts = FailureCounter()
    for number in range(1000):
        update = attempts.record_failure if number % 2 else attempts.reset
        update(f"flood-{number}")

    time[0] += SUCCESS_TTL_MS + 1
    for _ in range(500):
        attempts.peek("ada")

    assert len(attempts) == 0


def test_one_failure_is_forgiven_and_no_more_than_there_are(time) -> None:
    attempts = FailureCounter()
    for _ in range(2):
        attempts.record_failure("ada")
    time[0] += 5000

    found = [attempts.forgive_one("ada") for _ in range(3)]

    assert [state.failures for state in found] == [1, 0, 0]
    assert found[0] == FailureState(1, 5000, succeeded_before=False)
    assert attempts.peek("ada").failures == 0
