"""The relay in front of Redis: passes on what it should, and loses what it is told to lose."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.prove.proxy import Proxy

WAIT_S = 10


@pytest.fixture
async def relay(redis_url):
    relay = Proxy(redis_url, seed=1)
    await relay.start()
    yield relay
    await relay.stop()


def client(relay):
    return Redis.from_url(relay.url, protocol=2)


async def test_questions_are_answered_as_they_were(relay):
    async with client(relay) as redis:
        name = f"relay-{id(relay)}"
        await redis.rpush(name, "one", "two")

        assert await redis.lrange(name, 0, -1) == [b"one", b"two"]
        assert await redis.get(f"{name}-nothing") is None
        with pytest.raises(RedisError, match="WRONGTYPE"):
            await redis.get(name)
        await redis.delete(name)


async def heard(relay, count):
    """How many of so many messages arrive; an empty one comes last."""
    async with client(relay) as speaker, client(relay) as ear, ear.pubsub() as listening:
        channel = f"relay-{id(relay)}"
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


async def test_a_share_of_the_messages_is_lost_but_no_heartbeat(relay):
    relay.loss_rate = 0.5

    arrived = await heard(relay, 200)

    assert 0 < arrived < 200
    assert relay.dropped_messages == 200 - arrived


async def test_nothing_is_lost_unless_wanted(relay):
    assert await heard(relay, 100) == 100
    assert relay.dropped_messages == 0


async def test_what_is_held_comes_later(relay):
    async with client(relay) as redis:
        await redis.ping()
        relay.pause()
        answer = asyncio.create_task(redis.ping())
        done, _ = await asyncio.wait([answer], timeout=0.2)
        assert not done

        relay.resume()

        async with asyncio.timeout(WAIT_S):
            assert await answer


async def test_down_cuts_and_refuses_and_up_is_the_same_place(relay):
    url = relay.url
    async with client(relay) as redis:
        await redis.ping()
        await relay.stop()
        assert relay.closed_connections == 1
        with pytest.raises(RedisError):
            await redis.ping()

        await relay.start()

        assert relay.url == url
        assert await redis.ping()
