"""Redis stops, hangs, loses data or connections under traffic: no guarantee depends on it (G2, G3, G5)."""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from redis.asyncio import Redis

from tests.cluster.conftest import until
from tests.journeys.conftest import UNLIMITED
from tests.journeys.device import ChangeNotifier, Device, register
from tests.support.lossy_proxy import LossyProxy
from tests.support.redis_servers import RedisServer, Sentinel
from tests.support.server_process import ServerProcess, run_together

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)

MESSAGES = 10  # of each device, while one fault lasts


@pytest.fixture
def instances(database_url, tmp_path):
    """Two instances on a Redis of a test's own."""

    @asynccontextmanager
    async def start(redis_url: str):
        shared = {"database_url": database_url, "redis_url": redis_url, "default_rooms": "", **UNLIMITED}
        processes = ServerProcess(tmp_path, **shared), ServerProcess(tmp_path, **shared)
        async with run_together(*processes) as (one, other):
            yield one, other
            assert one.error_lines() == other.error_lines() == []

    return start


class Crowd:
    """Users on two instances, in one room, who write all the time."""

    def __init__(self, notifier: ChangeNotifier, devices: list[Device], room_id: str) -> None:
        self._notifier = notifier
        self.devices = devices
        self.room_id = room_id
        self.sent = 0

    async def write(self) -> float:
        """All users write. Returns the time until all clients had everything."""
        began = time.monotonic()
        for number in range(MESSAGES):
            await asyncio.gather(*(each.send(self.room_id, f"{each.name} {number}") for each in self.devices))
        self.sent += MESSAGES * len(self.devices)
        await self._notifier.until(self._complete, f"{self.sent} messages everywhere")
        return time.monotonic() - began

    def _complete(self) -> bool:
        rooms = [device.mirror.rooms.get(self.room_id) for device in self.devices]
        return all(room is not None and len(room.messages) >= self.sent for room in rooms)

    async def agree(self) -> None:
        """All have the same, each was connected all the time; they leave before their instances do."""
        logs = [device.mirror.rooms[self.room_id].log for device in self.devices]
        assert logs == logs[:1] * len(logs)
        assert [device.ready_count for device in self.devices] == [1] * len(self.devices)
        for device in self.devices:
            await device.close()


async def crowd(
    one: ServerProcess, other: ServerProcess, notifier: ChangeNotifier, devices: Callable
) -> Crowd:
    users = [await register(one.url, name) for name in ("ada", "bob", "eve", "joe")]
    made = [await devices((one, other)[index % 2].url, user) for index, user in enumerate(users)]
    ids = [user["user"]["id"] for user in users[1:]]
    room_id = await made[0].create(kind="private", member_ids=ids)
    await notifier.until(lambda: all(room_id in each.mirror.rooms for each in made), "the room everywhere")
    return Crowd(notifier, made, room_id)


def states(server_process: ServerProcess) -> list[str]:
    """What it logged of Redis."""
    lines = [json.loads(line) for line in server_process.lines if line.startswith("{")]
    said = [str(line.get("message", line.get("event", ""))) for line in lines]
    return [text.split(":")[0] for text in said if text.startswith("redis is")]


@pytest.mark.slow("8 s: a Redis with each fault, one after the other")
async def test_redis_is_stopped_paused_emptied_and_disconnected(
    instances, notifier, devices, figures
) -> None:
    with RedisServer() as redis:
        async with instances(redis.url) as (one, other), Redis.from_url(redis.url) as client:
            them = await crowd(one, other, notifier, devices)
            both = (one, other)
            took = {"well": await them.write()}

            redis.pause()
            took["pausing"] = await them.write()
            await until(lambda: all(states(each)[-1:] == ["redis is unavailable"] for each in both))
            took["paused"] = await them.write()
            redis.resume()
            await until(lambda: all(states(each)[-1:] == ["redis is available again"] for each in both))
            await client.flushall()
            took["emptied"] = await them.write()
            await client.client_kill_filter(_type="pubsub")
            took["cut"] = await them.write()
            redis.stop()
            took["stopping"] = await them.write()
            await until(lambda: all(states(each)[-1:] == ["redis is unavailable"] for each in both))
            took["stopped"] = await them.write()
            redis.start()
            took["starting"] = await them.write()
            await until(lambda: all(states(each)[-1:] == ["redis is available again"] for each in both))
            took["started"] = await them.write()

            await them.agree()
            figures(", ".join(f"{what} {seconds:.2f} s" for what, seconds in took.items()))
            for server_process in both:
                said = states(server_process)
                assert all(before != after for before, after in pairwise(said)), said


async def test_a_third_of_the_signals_is_lost(instances, notifier, devices, figures) -> None:
    with RedisServer() as redis:
        async with (
            LossyProxy(redis.url, seed=5, loss_rate=0.33) as proxy,
            instances(proxy.url) as (one, other),
        ):
            them = await crowd(one, other, notifier, devices)
            took = await them.write()

            await them.agree()
            assert proxy.losses > 0
            figures(f"{them.sent} messages, {proxy.losses} losses, {took:.2f} s")


async def role(server: RedisServer) -> tuple[str, str]:
    """`master` or `slave`, and the state of its link."""
    async with Redis(port=server.port) as client:
        info = await client.info("replication")
    return info["role"], info.get("master_link_status", "")


async def reaches(server: RedisServer, *wanted: str) -> None:
    """Wait for a role."""
    async with asyncio.timeout(60):
        while await role(server) != wanted:  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.05)


async def sees_all(sentinel: Sentinel) -> None:
    """Wait until it has found the replica and two other Sentinels."""
    async with Redis(port=sentinel.port) as client, asyncio.timeout(60):
        while True:
            master: Any = await client.sentinel_master("mymaster")
            if master["num-other-sentinels"] >= 2 and master["num-slaves"] >= 1:
                return
            await asyncio.sleep(0.1)


@pytest.mark.soak
@pytest.mark.timeout(300)
async def test_sentinels_fail_over(instances, notifier, devices, figures) -> None:
    """Three Sentinels. The master dies, or is paused and resumes as a deposed master."""
    with ExitStack() as stack:
        master, replica = (stack.enter_context(RedisServer()) for _ in range(2))
        async with Redis(port=replica.port) as client:
            await client.replicaof("127.0.0.1", master.port)
        await reaches(replica, "slave", "up")
        sentinels = [stack.enter_context(Sentinel(master, quorum=2, down_ms=1000)) for _ in range(3)]
        for each in sentinels:
            await sees_all(each)
        places = ",".join(f"127.0.0.1:{each.port}" for each in sentinels)
        async with instances(f"redis+sentinel://{places}/mymaster/0") as (one, other):
            them = await crowd(one, other, notifier, devices)
            for fault in ("stop", "pause", "stop", "pause"):
                await (asyncio.to_thread(master.stop) if fault == "stop" else asyncio.to_thread(master.pause))
                slowest = await them.write()
                await reaches(replica, "master", "")
                began = time.monotonic()
                (master.start if fault == "stop" else master.resume)()
                await until(
                    lambda: all(states(each)[-1:] == ["redis is available again"] for each in (one, other))
                )
                back = time.monotonic() - began
                await them.write()
                await reaches(master, "slave", "up")
                await them.write()
                figures(
                    f"{fault}: everything arrived within {slowest:.1f} s, signals again {back:.1f} s later"
                )
                master, replica = replica, master
            await them.agree()
