"""Rate limits of several instances: one count for all, and no wait for an unavailable Redis."""

import asyncio
import logging
import time

import pytest
from redis.asyncio import Redis

from hubbub.cluster.redis import topology
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from hubbub.core import metrics
from hubbub.ratelimit.rate import Rate
from tests.support import redis_servers
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

PATIENCE_S = 20.0
RATE = Rate(3, 0.001)


@pytest.fixture
async def instance(prefix):
    """Create the limiter of one instance, at a URL."""
    made = []

    def make(url: str, patience_s: float = PATIENCE_S) -> RedisRateLimiter:
        made.append(topology.from_url(url))
        return RedisRateLimiter(made[-1], prefix, patience_s)

    yield make
    for each in made:
        await each.close()


async def test_instances_count_together(instance, redis_url) -> None:
    here, there = instance(redis_url), instance(redis_url)

    waits = [(await each.acquire("http", "ada", RATE)).wait_ms for each in (here, there, here, there, here)]

    assert [wait > 0 for wait in waits] == [False, False, False, True, True]
    await here.record_failure("pair", "ada")
    assert (await there.record_failure("pair", "ada")).failures == 2


async def test_keys_expire_when_they_are_not_needed(instance, redis_url, prefix) -> None:
    made = instance(redis_url)
    await made.acquire("http", "ada", RATE)
    await made.record_failure("pair", "ada")
    await made.reset_failures("pair", "bob")

    async with Redis.from_url(redis_url, decode_responses=True) as client:
        lives = {key: await client.pttl(key) async for key in client.scan_iter(f"{prefix}:*")}

    hour = 3_600_000
    assert 0 < lives[f"{prefix}:limit:http:ada"] <= 1_000_001
    assert 0 < lives[f"{prefix}:limit:pair:ada"] <= hour
    assert hour < lives[f"{prefix}:limit:pair:bob"] <= 30 * 24 * hour


async def test_a_frozen_or_stopped_redis_is_replaced_by_memory_at_once(instance, redis_url, caplog) -> None:
    caplog.set_level(logging.INFO, "hubbub")
    failures = metrics.counters["rate_limit_redis_failures"]
    async with TcpProxy(redis_url) as proxy:
        made = instance(proxy.url)
        made.timeout_s = 0.5
        proxy.freeze()

        began = time.monotonic()
        crowd = await asyncio.gather(*(made.acquire("http", "ada", RATE) for _ in range(50)))
        assert time.monotonic() - began < 10, "each on its own would be 25 s"
        assert sum(each.wait_ms == 0 for each in crowd) == 3
        membership = await made.record_failure("pair", "ada")
        assert membership.failures == 1

        proxy.thaw()
        await proxy.stop()
        assert [(await made.acquire("http", "bob", RATE)).wait_ms > 0 for _ in range(4)] == [False] * 3 + [
            True
        ]
        assert metrics.counters["rate_limit_redis_failures"] > failures

        await proxy.start()
        made.timeout_s = PATIENCE_S

        async def shared() -> bool:
            await made.acquire("http", "eve", RATE)
            return not made._breaker.is_open

        await until(shared)
    said = [record.message for record in caplog.records if record.message.startswith("rate limits are")]
    assert said == [
        "rate limits are counted by each instance alone",
        "rate limits are shared by all instances again",
    ]


async def test_an_unavailable_redis_is_tried_once_a_second(instance, redis_url) -> None:
    async with TcpProxy(redis_url) as proxy:
        made = instance(proxy.url)
        await proxy.stop()
        failures = metrics.counters["rate_limit_redis_failures"]
        await made.acquire("http", "ada", RATE)
        began = time.monotonic()

        for _ in range(200):
            await made.acquire("http", "ada", RATE)

        assert metrics.counters["rate_limit_redis_failures"] - failures <= 2 + (time.monotonic() - began)
        await proxy.start()


async def test_a_redis_that_refuses_commands_is_replaced_by_memory(instance, redis_url, prefix) -> None:
    made = instance(redis_url)
    async with Redis.from_url(redis_url) as client:
        await client.hset(f"{prefix}:limit:http:ada", "not", "a number")

    assert (await made.acquire("http", "ada", RATE)).remaining == 2


async def test_each_key_of_a_cluster_is_counted_on_its_node(instance) -> None:
    keys = [f"user {number}" for number in range(20)]
    async with redis_servers.run_cluster() as url:
        made = instance(url)

        crowd = await asyncio.gather(*(made.acquire("http", key, RATE) for _ in range(5) for key in keys))
        await asyncio.gather(*(made.record_failure("pair", key) for _ in range(3) for key in keys))

        assert sum(each.wait_ms == 0 for each in crowd) == 3 * len(keys)
        assert [(await made.peek_failures("pair", key)).failures for key in keys] == [3] * len(keys)
