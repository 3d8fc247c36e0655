"""The bus over every kind of Redis deployment."""

import asyncio
import time
from functools import partial
from uuid import UUID, uuid4

import pytest
from redis import Redis

from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.presence import RedisPresence
from tests.cluster.conftest import entries_signal, until
from tests.support.redis_servers import RedisServer, Sentinel, run_cluster
from tests.support.tcp_proxy import TcpProxy
from tests.support.tls import CertificateAuthority


async def talk(make, url: str) -> None:
    """Two buses receive each other's signals in many rooms."""
    here, there = await make(url), await make(url)
    rooms = [uuid4() for _ in range(50)]
    for room_id in rooms:
        there.bus.subscribe_room(room_id)
    await until(lambda: here.bus.state() == there.bus.state() == "ok")  # `start` waits at most 2 s
    await there.bus.wait_subscribed()

    for seq in (1, 2, 3):
        for room_id in rooms:
            here.bus.publish(entries_signal(room_id, seq))

    received: dict[UUID, list[int]] = {room_id: [] for room_id in rooms}
    for signal in await there.wait_for_count(150):
        received[signal.room_id].append(signal.entries[0].seq)
    assert received == {room_id: [1, 2, 3] for room_id in rooms}


async def test_a_cluster_with_sharded_channels(redis_bus) -> None:
    async with run_cluster() as url:
        await talk(redis_bus, url)


async def test_presence_in_a_cluster(prefix) -> None:
    async def ignore(_users: object, _status: object) -> None:
        """Ignore presence changes."""

    async with run_cluster() as url:
        found = topology.from_url(url)
        here, there = [RedisPresence(found, prefix, MemoryBus()) for _ in range(2)]
        here.start(ignore)
        there.start(ignore)
        users = [uuid4() for _ in range(30)]

        assert await here.mark_connected(users) == set(users)
        assert await there.mark_connected(users[:10]) == set()
        assert await there.set_status(users[0], "away")
        assert await here.mark_disconnected(users) == set(users[10:])
        assert await here.get(users) == dict.fromkeys(users[:10], "online") | {users[0]: "away"}

        await here.close()
        await there.close()
        await found.close()


@pytest.mark.parametrize("noticed", ["by the connection", "by looking"])
async def test_moved_cluster_slots_are_followed(redis_bus, noticed) -> None:
    async with run_cluster() as url:
        here, there = await redis_bus(url), await redis_bus(url)
        rooms = [uuid4() for _ in range(20)]
        for room_id in rooms:
            there.bus.subscribe_room(room_id)
        await until(lambda: here.bus.state() == there.bus.state() == "ok")
        await there.bus.wait_subscribed()
        missed = there.lost_count

        await move_slots(url, blocking=noticed == "by looking")
        if noticed == "by looking":  # as on any heartbeat, without a broken connection
            await there.bus._connections._update_nodes()
        await until(lambda: there.lost_count > missed)

        async def all_received() -> bool:
            """Return whether all signals arrived. Until both have refreshed, signals may be lost."""
            for room_id in rooms:
                here.bus.publish(entries_signal(room_id, 1))
            await there.bus.wait_subscribed()
            return {signal.room_id for signal in there.signals} == set(rooms)

        await until(all_received)


async def move_slots(url: str, *, blocking: bool) -> None:
    """Move all slots of the cluster's first node to the other one. `blocking` stops the loop meanwhile.

    Only the other node gets a command, with the newest epoch, so that its claim wins. The first node gets it
    from the other and is a replica from then on: it would refuse the command.
    """
    moving = partial(_move_slots, url)
    if blocking:
        moving()
    else:
        await asyncio.to_thread(moving)


def _move_slots(url: str) -> None:
    with Redis.from_url(url.replace("+cluster", ""), decode_responses=True) as first:
        me = first.cluster("myid")
        address, other = next(
            (place, it["node_id"]) for place, it in first.cluster("nodes").items() if it["node_id"] != me
        )
        with Redis.from_url(f"redis://{address}") as second:
            second.execute_command("CLUSTER BUMPEPOCH")
            pipe = second.pipeline(transaction=False)
            for slot in range(8192):
                pipe.execute_command("CLUSTER SETSLOT", slot, "NODE", other)
            pipe.execute()
        deadline = time.monotonic() + 15
        while any(it["slots"] for it in first.cluster("nodes").values() if it["node_id"] == me):
            assert time.monotonic() < deadline, "the first node does not learn it"
            time.sleep(0.02)


async def test_the_master_named_by_a_sentinel_is_used(redis_bus) -> None:
    with RedisServer() as main, Sentinel(main) as sentinel:
        await talk(redis_bus, sentinel.url)


async def test_a_redis_behind_tls(redis_bus, redis_url, tmp_path) -> None:
    authority = CertificateAuthority(tmp_path)

    async with TcpProxy(redis_url, authority.server_context()) as proxy:
        assert proxy.url.startswith("rediss://")
        await talk(redis_bus, f"{proxy.url}?ssl_ca_certs={authority.certificate_path}")


async def test_an_unknown_certificate_is_refused(redis_bus, redis_url, tmp_path) -> None:
    authority, other = CertificateAuthority(tmp_path), CertificateAuthority(tmp_path, "others")

    async with TcpProxy(redis_url, authority.server_context()) as proxy:
        here = await redis_bus(f"{proxy.url}?ssl_ca_certs={other.certificate_path}")
        await here.bus.wait_subscribed()

        assert here.bus.state() == "unavailable"


@pytest.mark.parametrize("url", ["redis+sentinel://127.0.0.1:1/mymaster", "redis+cluster://127.0.0.1:1"])
async def test_the_bus_waits_for_an_unavailable_redis(redis_bus, url) -> None:
    here = await redis_bus(url)
    room_id = uuid4()
    here.bus.subscribe_room(room_id)

    here.bus.publish(entries_signal(room_id, 1))
    await here.bus.wait_subscribed()

    assert here.signals == [entries_signal(room_id, 1)]
    assert here.bus.state() == "unavailable"
