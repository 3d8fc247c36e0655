"""Token buckets, and turnstiles."""

from hubbub.core.limits import LONGEST_S, Bucket, Rate, Turnstile


def test_a_bucket_gives_its_burst_and_then_says_how_long() -> None:
    bucket = Bucket(Rate(3, 10))

    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert 1 <= bucket.take() <= 101


def test_a_bucket_fills_with_time_and_no_further() -> None:
    bucket = Bucket(Rate(3, 10))
    for _ in range(3):
        bucket.take()
    bucket.since -= 0.2  # two tokens ago

    assert [bucket.take() > 0 for _ in range(3)] == [False, False, True]
    bucket.since -= 3600
    assert [bucket.take() > 0 for _ in range(4)] == [False, False, False, True]


def test_what_is_given_back_can_be_taken_again() -> None:
    bucket = Bucket(Rate(1, 0.001))
    bucket.take()

    bucket.give_back()

    assert bucket.take() == 0


def test_off_is_no_limit() -> None:
    bucket = Bucket(None)

    assert not any(bucket.take() for _ in range(1000))


def test_a_turnstile_spreads_those_who_must_wait() -> None:
    turnstile = Turnstile(100)

    waits = [turnstile.take() for _ in range(400)]

    assert waits[:100] == [0] * 100
    told = [wait for wait in waits if wait]
    assert told == sorted(told), "one after the other"
    assert 2500 < told[-1] < 3500, "300 of them at 100 a second"
    assert len(set(told)) > 250


def test_a_turnstile_lets_nobody_wait_for_long() -> None:
    turnstile = Turnstile(1)

    waits = [turnstile.take() for _ in range(200)]

    assert max(waits) <= LONGEST_S * 1000
    assert len(set(waits[60:])) > 100, "spread out all the same"
