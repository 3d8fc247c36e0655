"""The Redis bus: subscribed channels only, and outages of Redis."""

import logging
from itertools import pairwise
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from hubbub.cluster.bus import CacheInvalidated, LogAdvanced
from hubbub.cluster.redis import node_connections, subscriber, topology
from hubbub.cluster.redis.bus import RedisBus
from hubbub.cluster.redis.publisher import MAX_QUEUED_MESSAGES
from hubbub.core import metrics
from tests.cluster.conftest import SignalRecorder, entries_signal, until
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
async def proxy(redis_url):
    async with TcpProxy(redis_url) as made:
        yield made


async def follows(ear, room_id) -> None:
    ear.bus.subscribe_room(room_id)
    await ear.bus.wait_subscribed()


async def test_signals_of_channels_without_subscription_are_not_received(redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    before, after, user_id = uuid4(), uuid4(), uuid4()
    await follows(there, before)
    there.bus.subscribe_user(user_id)
    there.bus.subscribe_user(user_id)
    there.bus.unsubscribe_room(before)
    there.bus.unsubscribe_user(user_id)
    await follows(there, after)
    received = metrics.counters["bus_signals_received"]

    here.bus.publish(entries_signal(before, 1))
    here.bus.publish(entries_signal(uuid4(), 1))
    here.bus.publish(entries_signal(after, 1))

    assert await there.wait_for_count(1) == [entries_signal(after, 1)]
    assert metrics.counters["bus_signals_received"] == received + 1


async def test_a_channel_subscribed_and_unsubscribed_repeatedly_is_received(redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    for _ in range(20):
        there.bus.subscribe_room(room_id)
        there.bus.unsubscribe_room(room_id)
    for _ in range(5):
        await follows(there, room_id)
        there.bus.unsubscribe_room(room_id)
    await follows(there, room_id)

    here.bus.publish(entries_signal(room_id, 1))

    assert await there.wait_for_count(1) == [entries_signal(room_id, 1)]
    assert there.bus.state() == "ok"


async def test_large_entries_are_sent_as_a_reference_to_the_log(redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    await follows(there, room_id)

    here.bus.publish(entries_signal(room_id, 7, "x" * 70_000))

    assert await there.wait_for_count(1) == [LogAdvanced(room_id, 7)]


async def test_deployments_with_other_prefixes_are_separate(redis_url, redis_bus) -> None:
    here, there = await redis_bus(), await redis_bus()
    other = SignalRecorder(RedisBus(topology.from_url(redis_url), f"other-{uuid4().hex}"))
    await other.bus.start()
    room_id = uuid4()
    for ear in (there, other):
        await follows(ear, room_id)

    here.bus.publish(entries_signal(room_id, 1))
    await there.wait_for_count(1)
    other.bus.publish(entries_signal(room_id, 2))
    here.bus.publish(entries_signal(room_id, 3))
    await there.wait_for_count(2)

    assert [signal.entries[0].seq for signal in there.signals] == [1, 3]
    assert other.signals == [entries_signal(room_id, 2)]
    await other.bus.close()


@pytest.mark.parametrize("how", ["refused", "silent"])
async def test_the_bus_starts_without_redis_and_connects_later(redis_bus, proxy, how) -> None:
    if how == "refused":
        await proxy.stop()
    else:
        proxy.freeze()
    here = await redis_bus(proxy.url)
    assert here.bus.state() == "unavailable"
    there = await redis_bus()
    room_id = uuid4()
    here.bus.subscribe_room(room_id)
    await here.bus.wait_subscribed()  # does not wait for an unavailable Redis
    here.bus.publish(entries_signal(room_id, 1))
    assert len(here.signals) == 1

    await proxy.start() if how == "refused" else proxy.thaw()
    await until(lambda: here.bus.state() == "ok")
    there.bus.publish(entries_signal(room_id, 2))

    assert (await here.wait_for_count(2))[1] == entries_signal(room_id, 2)
    assert here.lost_count == 1


@pytest.mark.parametrize("how", ["cut", "silent", "gone"])
async def test_the_bus_recovers_after_a_redis_outage(redis_bus, proxy, how, caplog) -> None:
    caplog.set_level(logging.INFO, logger="hubbub")
    here, there = await redis_bus(proxy.url), await redis_bus()
    room_id = uuid4()
    await follows(here, room_id)
    await follows(there, room_id)
    missed = here.lost_count

    match how:
        case "cut":
            proxy.reset_connections()
        case "silent":
            proxy.freeze()
        case "gone":
            await proxy.stop()
    await until(lambda: here.bus.state() == "unavailable")
    for seq in range(MAX_QUEUED_MESSAGES * 2):
        here.bus.publish(entries_signal(room_id, seq))  # neither blocks nor piles up
    await proxy.start() if how == "gone" else proxy.thaw()
    await until(lambda: here.bus.state() == "ok" and here.lost_count > missed)
    there.bus.publish(entries_signal(room_id, 5))
    here.bus.publish(entries_signal(room_id, 6))

    await until(
        lambda: entries_signal(room_id, 5) in here.signals and entries_signal(room_id, 6) in there.signals
    )
    said = [record.message for record in caplog.records if record.message.startswith("redis is")]
    states = [message.split(":")[0] for message in said]
    assert (states[0], states[-1]) == ("redis is unavailable", "redis is available again")
    assert all(before != after for before, after in pairwise(states))


async def test_subscriber_connections_closed_by_redis_are_replaced(redis_bus, redis_url, prefix) -> None:
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    await follows(there, room_id)
    missed = there.lost_count

    async with Redis.from_url(redis_url) as client:
        for each in await client.client_list(_type="pubsub"):
            if each["name"] == prefix:
                await client.client_kill_filter(_id=each["id"])
    await until(lambda: there.lost_count > missed and here.bus.state() == "ok")
    here.bus.publish(entries_signal(room_id, 1))

    assert await there.wait_for_count(1) == [entries_signal(room_id, 1)]


async def test_a_silent_subscriber_connection_is_replaced(redis_bus, monkeypatch) -> None:
    monkeypatch.setattr(node_connections, "HEARTBEAT_INTERVAL_S", 0.3)
    monkeypatch.setattr(subscriber, "STALE_AFTER_S", 1.5)
    here, there = await redis_bus(), await redis_bus()
    room_id = uuid4()
    await follows(there, room_id)
    replaced, missed = metrics.counters["bus_subscribers_replaced"], there.lost_count

    listener = there.bus._connections._connections[""].subscriber
    # The connection is open and Redis responds, but no signal is received.
    listener.unsubscribe(listener.heartbeat_channel)
    await until(lambda: there.lost_count > missed)
    here.bus.publish(entries_signal(room_id, 1))

    assert await there.wait_for_count(1) == [entries_signal(room_id, 1)]
    assert metrics.counters["bus_subscribers_replaced"] > replaced


@pytest.mark.parametrize("how", ["gone", "silent", "reset"])
async def test_a_signal_that_may_be_lost_is_not_confirmed(redis_bus, proxy, how) -> None:
    here = await redis_bus(proxy.url)
    assert await here.bus.publish_confirmed(CacheInvalidated(("a",)))
    if how == "gone":
        await proxy.stop()
    elif how == "silent":
        proxy.freeze()
    else:
        proxy.freeze_at(b"CacheInvalidated")  # Redis gets it, its response does not pass

    confirmed = [await here.bus.publish_confirmed(CacheInvalidated((f"b{number}",))) for number in range(3)]

    assert confirmed == [False] * 3
    await proxy.start() if how == "gone" else proxy.thaw()

    async def is_confirmed():
        return await here.bus.publish_confirmed(CacheInvalidated(("c",)))

    await until(is_confirmed)
