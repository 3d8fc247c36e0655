"""Conformance suite of the rate limiter, in memory and in Redis."""

import asyncio

import pytest

from hubbub.cluster.memory import MemoryRateLimiter
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from hubbub.ratelimit.backoff import FailureState
from hubbub.ratelimit.rate import Rate
from tests.support.waiting import until

SLOW = 0.001  # a second: no unit is refilled during a test
PATIENCE_S = 20.0  # of a test on a busy machine


@pytest.fixture(params=["memory", "redis"])
async def limiter(request, prefix):
    if request.param == "memory":
        yield MemoryRateLimiter()
        return
    found = topology.from_url(request.getfixturevalue("redis_url"))
    yield RedisRateLimiter(found, prefix, PATIENCE_S)
    await found.close()


async def test_a_bucket_allows_its_burst_and_then_returns_the_wait(limiter) -> None:
    found = [await limiter.acquire("http", "ada", Rate(3, SLOW)) for _ in range(4)]

    assert [(each.limit, each.remaining, each.wait_ms > 0) for each in found] == [
        (3, 2, False),
        (3, 1, False),
        (3, 0, False),
        (3, 0, True),
    ]
    assert found[0].reset_s == 1000
    assert 2900 <= found[2].reset_s <= 3000
    assert 900_000 <= found[3].wait_ms <= 1_000_000


async def test_several_units_are_taken_together_or_not_at_all(limiter) -> None:
    found = [await limiter.acquire("rooms", "ada", Rate(10, SLOW), cost) for cost in (6, 5, 4, 1)]

    assert [(each.remaining, each.wait_ms > 0) for each in found] == [
        (4, False),
        (4, True),
        (0, False),
        (0, True),
    ]
    assert 900_000 <= found[1].wait_ms <= 1_000_000


async def test_a_released_unit_can_be_taken_again(limiter) -> None:
    rate = Rate(10, SLOW)

    found = [await limiter.acquire("rooms", "ada", rate, cost) for cost in (-3, 10, -4, 4, 1, -100, 10, 1)]

    assert [each.remaining for each in found] == [10, 0, 4, 0, 0, 10, 0, 0]
    assert [each.wait_ms > 0 for each in found] == [False, False, False, False, True, False, False, True]


async def test_kinds_and_keys_are_counted_separately(limiter) -> None:
    rate = Rate(1, SLOW)

    taken = [
        (await limiter.acquire(of, key, rate)).wait_ms == 0
        for of, key in [("http", "ada"), ("http", "bob"), ("auth", "ada"), ("auth", "ada"), ("http", "bob")]
    ]

    assert taken == [True, True, True, False, False]


async def test_concurrent_calls_get_exactly_the_available_units(limiter) -> None:
    keys = [f"user {number}" for number in range(20)]

    found = await asyncio.gather(
        *(limiter.acquire("http", key, Rate(7, SLOW)) for _ in range(10) for key in keys)
    )

    assert sum(each.wait_ms == 0 for each in found) == 7 * len(keys)
    assert [each.remaining for each in found if each.wait_ms == 0].count(0) == len(keys)


async def test_a_bucket_refills(limiter) -> None:
    rate = Rate(2, 50)
    for _ in range(2):
        await limiter.acquire("http", "ada", rate)

    async def is_refilled() -> bool:
        return not (await limiter.acquire("http", "ada", rate)).wait_ms

    await until(is_refilled)


async def test_a_smaller_rate_applies_at_once(limiter) -> None:
    for _ in range(60):
        await limiter.acquire("http", "ada", Rate(60, SLOW))

    found = await limiter.acquire("http", "ada", Rate(2, 0.01))

    assert 0 < found.wait_ms <= 100_000
    assert found.reset_s <= 200


async def test_a_leaky_bucket_releases_one_at_a_time(limiter) -> None:
    found = [await limiter.acquire("http", "ada", Rate(3, 0.1, leaky=True)) for _ in range(4)]

    assert [each.wait_ms > 0 for each in found] == [False, False, False, True]
    assert found[0].delay_ms == 0
    assert 0 < found[1].delay_ms <= 10_000 < found[2].delay_ms <= 20_000


async def test_failures_are_counted_until_one_succeeds(limiter) -> None:
    for count in (1, 2, 3):
        assert (await limiter.record_failure("pair", "ada")).failures == count

    looked = await limiter.peek_failures("pair", "ada")
    assert (looked.failures, looked.succeeded_before) == (3, False)
    assert 0 <= looked.since_ms < 120_000
    assert (await limiter.forgive_failure("pair", "ada")).failures == 2
    assert await limiter.peek_failures("pair", "bob") == FailureState(0, 0, succeeded_before=False)

    cleared = await limiter.reset_failures("pair", "ada")
    assert (cleared.failures, cleared.succeeded_before) == (0, True)
    again = await limiter.record_failure("pair", "ada")
    assert (again.failures, again.succeeded_before) == (1, True)


async def test_concurrent_failures_are_all_counted(limiter) -> None:
    await asyncio.gather(*(limiter.record_failure("pair", "ada") for _ in range(50)))

    assert (await limiter.peek_failures("pair", "ada")).failures == 50
