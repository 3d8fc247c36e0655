"""The proxy in front of Redis passes signals through, and drops those it is ordered to drop."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.prove.proxy import Proxy

WAIT_S = 10


@pytest.fixture
async def proxy(redis_url):
    proxy = Proxy(redis_url, seed=1)
    await proxy.start()
    yield proxy
    await proxy.stop()


def client(proxy):
    return Redis.from_url(proxy.url, protocol=2)


async def test_commands_are_passed_through_unchanged(proxy):
    async with client(proxy) as redis:
        name = f"relay-{id(proxy)}"
        await redis.rpush(name, "one", "two")

        assert await redis.lrange(name, 0, -1) == [b"one", b"two"]
        assert await redis.get(f"{name}-nothing") is None
        with pytest.raises(RedisError, match="WRONGTYPE"):
            await redis.get(name)
        await redis.delete(name)


async def receive_count(proxy, count):
    """Count the messages that arrive. An empty one comes last."""
    async with client(proxy) as speaker, client(proxy) as ear, ear.pubsub() as listening:
        channel = f"relay-{id(proxy)}"
        await listening.subscribe(channel)
        for number in range(count):
            await speaker.publish(channel, f"message {number}")
        await speaker.publish(channel, b"")
        async with asyncio.timeout(WAIT_S):
            told = []
            while b"" not in told:
                if message := await listening.get_message(ignore_subscribe_messages=True, timeout=1):
                    told.append(message["data"])
        return len(told) - 1


async def test_a_share_of_the_messages_but_no_heartbeat_is_dropped(proxy):
    proxy.loss_rate = 0.5

    arrived = await receive_count(proxy, 200)

    assert 0 < arrived < 200
    assert proxy.dropped_messages == 200 - arrived


async def test_nothing_is_dropped_by_default(proxy):
    assert await receive_count(proxy, 100) == 100
    assert proxy.dropped_messages == 0


async def test_held_messages_are_delivered_later(proxy):
    async with client(proxy) as redis:
        await redis.ping()
        proxy.pause()
        answer = asyncio.create_task(redis.ping())
        done, _ = await asyncio.wait([answer], timeout=0.2)
        assert not done

        proxy.resume()

        async with asyncio.timeout(WAIT_S):
            assert await answer


async def test_down_disconnects_and_refuses_and_up_listens_on_the_same_port(proxy):
    url = proxy.url
    async with client(proxy) as redis:
        await redis.ping()
        await proxy.stop()
        assert proxy.closed_connections == 1
        with pytest.raises(RedisError):
            await redis.ping()

        await proxy.start()

        assert proxy.url == url
        assert await redis.ping()
