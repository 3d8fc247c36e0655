"""Token buckets."""

from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.token_bucket import TokenBucket


def test_a_bucket_allows_its_burst_and_then_returns_the_wait() -> None:
    bucket = TokenBucket(Rate(3, 10))

    assert [bucket.acquire() for _ in range(3)] == [0, 0, 0]
    assert 1 <= bucket.acquire() <= 101


def test_a_bucket_refills_over_time_up_to_its_burst() -> None:
    bucket = TokenBucket(Rate(3, 10))
    for _ in range(3):
        bucket.acquire()
    bucket.refilled_at -= 0.2  # two tokens ago

    assert [bucket.acquire() > 0 for _ in range(3)] == [False, False, True]
    bucket.refilled_at -= 3600
    assert [bucket.acquire() > 0 for _ in range(4)] == [False, False, False, True]


def test_a_released_unit_can_be_taken_again() -> None:
    bucket = TokenBucket(Rate(1, 0.001))
    bucket.acquire()

    bucket.refund()

    assert bucket.acquire() == 0


def test_off_disables_the_limit() -> None:
    bucket = TokenBucket(None)

    assert not any(bucket.acquire() for _ in range(1000))
