"""Token buckets."""

from hubbub.core.limits import Bucket, Rate


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
