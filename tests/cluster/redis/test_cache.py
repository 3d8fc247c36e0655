"""The cache with Redis: what instances share, and a Redis that is stopped, frozen, emptied or wrong."""

import pytest
from redis.asyncio import Redis

from hubbub.cluster import cache_entries
from hubbub.cluster.cache import Cache
from hubbub.cluster.cache_entries import Cached, Version
from hubbub.cluster.redis import cache as redis_cache
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.cache import RedisStore
from hubbub.core import clock, metrics
from hubbub.services.context import invalidate
from tests.cluster.conftest import until
from tests.cluster.test_cache import PATIENCE_S, Data
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
def data():
    return Data()


@pytest.fixture
async def proxy(redis_url):
    async with TcpProxy(redis_url) as made:
        yield made


@pytest.fixture
async def make_instance(redis_bus, redis_url, prefix):
    """Make the cache of an instance, with its bus, at an optional URL of Redis."""
    servers = []

    async def make(url=redis_url, timeout_s=PATIENCE_S):
        recorder = await redis_bus(url)
        servers.append(topology.from_url(url))
        made = Cache(recorder.bus, RedisStore(servers[-1], prefix, timeout_s))
        await made.start()
        return made

    yield make
    for each in servers:
        await each.close()


@pytest.fixture
async def client(redis_url):
    async with Redis.from_url(redis_url) as made:
        yield made


async def write(instance, data, text):
    """Change the data and publish it; return when the writer would respond."""
    data.change(text)
    await invalidate(instance._bus, [data.tag])


async def test_an_instance_reads_what_another_one_computed(make_instance, data):
    first, second = await make_instance(), await make_instance()
    await data.read(first)

    assert [await data.read(second) for _ in range(2)] == ["first", "first"]
    assert data.computations == 1


async def test_what_another_instance_computed_keeps_its_age(make_instance, data):
    first, second = await make_instance(), await make_instance()
    await data.read(first)
    entry = first._entries._lru.get("key")
    older = entry.cached._replace(computed_at=entry.cached.computed_at - 200)
    await second._shared.put("key", Version(data.tag, "1"), older)

    await data.read(second)

    assert entry.expires_at - second._entries._lru.get("key").expires_at >= 199
    assert data.computations == 1


async def test_a_redis_that_lost_everything_changes_no_response(make_instance, data, client, prefix):
    first, second = await make_instance(), await make_instance()
    await data.read(first)
    for name in await client.keys(f"{prefix}:cache:*"):
        await client.delete(name)

    assert [await data.read(second), await data.read(first)] == ["first", "first"]
    assert data.computations == 2


async def test_what_redis_kept_too_long_is_not_used(make_instance, data, client, prefix):
    first, second = await make_instance(), await make_instance()
    await data.read(first)
    (name,) = await client.keys(f"{prefix}:cache:*")
    outdated = await client.get(name)
    await write(first, data, "second")
    await data.read(first)
    await client.set(name, outdated)

    assert await data.read(second) == "second"


async def test_a_value_that_is_no_response_is_not_used(make_instance, data, client, prefix):
    first, second = await make_instance(), await make_instance()
    await data.read(first)
    (name,) = await client.keys(f"{prefix}:cache:*")
    await client.set(name, b"garbage")

    assert await data.read(second) == "first"


async def test_another_key_of_the_same_slot_is_not_used(make_instance, data, monkeypatch):
    monkeypatch.setattr(redis_cache, "SLOTS", 1)
    first, second = await make_instance(), await make_instance()
    other = Data()
    other.text = "of another"
    await data.read(first, "a")
    await other.read(first, "b")

    assert [await data.read(second, "a"), await other.read(second, "b")] == ["first", "of another"]


async def test_the_number_of_keys_in_redis_is_limited(make_instance, data, monkeypatch, client, prefix):
    monkeypatch.setattr(redis_cache, "SLOTS", 8)
    instance = await make_instance()
    for number in range(100):
        await data.read(instance, f"key {number}")

    names = await client.keys(f"{prefix}:cache:*")
    assert len(names) == 8
    assert {0 < await client.pttl(name) <= 300_000 for name in names} == {True}


async def test_a_large_response_is_not_shared(make_instance, data, client, prefix):
    data.text = "x" * (redis_cache.MAX_BODY_BYTES + 1)
    instance = await make_instance()
    await data.read(instance)

    assert await client.keys(f"{prefix}:cache:*") == []


async def test_without_redis_responses_are_right_and_slower(make_instance, data, proxy, redis_url):
    """The connections break: each use reads the version, and signals are lost."""
    writer, reader = await make_instance(redis_url), await make_instance(proxy.url)
    await data.read(reader)
    await proxy.stop()
    await until(lambda: reader._bus.state() == "unavailable")
    loads = data.version_loads

    assert [await data.read(reader) for _ in range(3)] == ["first"] * 3
    assert (data.version_loads - loads, data.computations) == (3, 1)
    await write(writer, data, "second")
    assert [await data.read(reader), await data.read(writer)] == ["second", "second"]

    await proxy.start()
    await until(lambda: reader._bus.state() == "ok")
    await write(writer, data, "third")
    await until(lambda: is_read(reader, data, "third"))


async def is_read(instance, data, text):
    return await data.read(instance) == text


async def test_a_write_without_redis_is_not_acknowledged_before_all_instances_show_it(
    make_instance, data, proxy, redis_url, monkeypatch
):
    """The writer's connections break. The reader receives nothing and has no reason to doubt."""
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.4)
    monkeypatch.setattr("hubbub.services.context.CHECK_S", 0.4)
    writer, reader = await make_instance(proxy.url), await make_instance(redis_url)
    await data.read(reader)
    await proxy.stop()
    await until(lambda: writer._bus.state() == "unavailable")

    await data.read(reader)
    await write(writer, data, "second")

    assert await data.read(reader) == "second"


async def test_with_a_frozen_redis_a_write_waits_until_no_instance_shows_the_old(
    make_instance, data, proxy, monkeypatch
):
    monkeypatch.setattr(cache_entries, "CHECK_S", 0.4)
    monkeypatch.setattr("hubbub.services.context.CHECK_S", 0.4)
    writer, reader = await make_instance(proxy.url, 0.08), await make_instance(proxy.url, 0.08)
    await data.read(reader)
    proxy.freeze()
    failures = metrics.counters["cache_store_failures"]

    began = clock.monotonic()
    await write(writer, data, "second")
    waited_s = clock.monotonic() - began

    assert await data.read(reader) == "second"
    assert 0.4 <= waited_s < 2
    assert metrics.counters["cache_store_failures"] > failures
    proxy.thaw()


async def test_a_frozen_redis_delays_one_read_a_second(make_instance, data, proxy):
    instance = await make_instance(proxy.url, 0.08)
    await data.read(instance, "key 0")
    proxy.freeze()

    began = clock.monotonic()
    for number in range(1, 50):
        await data.read(instance, f"key {number}")

    assert clock.monotonic() - began < 2  # 50 waits of 80 ms would be 4 s
    proxy.thaw()


async def test_a_stored_response_has_all_its_parts(redis_url, prefix):
    servers = topology.from_url(redis_url)
    store = RedisStore(servers, prefix, PATIENCE_S)
    cached = Cached(b"\x00\xff body", '"etag"', 1_700_000_000.25)

    await store.put("key", Version("tag", "7"), cached)

    assert await store.get("key", Version("tag", "7")) == cached
    assert await store.get("key", Version("tag", "8")) is None
    assert await store.get("key", Version("other", "7")) is None
    await servers.close()
