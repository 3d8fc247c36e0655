"""Presence of several instances: no stale users after crashes, pauses or loss of data."""

from contextlib import AsyncExitStack
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from hubbub.cluster.bus import PresenceChanged
from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.presence import Instance as Described
from hubbub.cluster.presence import Instances
from hubbub.cluster.redis import topology
from hubbub.cluster.redis.presence import RedisPresence
from hubbub.core.errors import Unavailable
from tests.cluster.conftest import until
from tests.support.tcp_proxy import TcpProxy

LEASE_S = 2.4  # longer than a busy machine keeps a process waiting


class Instance:
    """Presence as one instance sees it, and the changes that it was notified of."""

    def __init__(self, url: str, prefix: str) -> None:
        self.servers = topology.from_url(url)
        self.bus = MemoryBus()
        self.presence = RedisPresence(self.servers, prefix, self.bus, LEASE_S)
        self.told: list[tuple[object, str | None]] = []

    async def on_change(self, users, status) -> None:
        self.told += [(user_id, status) for user_id in users]

    async def die(self) -> None:
        """Die or pause: nothing is renewed."""
        await self.presence._lease_task.close()

    async def resume(self) -> None:
        self.presence.start(self.on_change)


NO_END = -1  # the TTL of a key that does not expire. -2: the key was deleted since it was found


@pytest.fixture
async def instance(redis_url, prefix):
    async with AsyncExitStack() as stack:

        async def make(url: str = redis_url) -> Instance:
            made = Instance(url, prefix)
            made.presence.start(made.on_change)
            stack.push_async_callback(made.servers.close)
            stack.push_async_callback(made.die)
            return made

        yield make


@pytest.fixture
async def keys(redis_url, prefix):
    """Every key of this test's deployment, and how many seconds it lives on (-1: for ever)."""
    async with Redis.from_url(redis_url, decode_responses=True) as client:

        async def find() -> dict[str, int]:
            return {key: await client.ttl(key) async for key in client.scan_iter(f"{prefix}:*")}

        yield find


async def test_connections_on_several_instances_are_one_user(instance) -> None:
    here, there = await instance(), await instance()
    ada = uuid4()

    assert await here.presence.mark_connected([ada]) == {ada}
    assert await there.presence.mark_connected([ada]) == set()
    assert await there.presence.set_status(ada, "busy")
    assert await here.presence.get([ada]) == {ada: "busy"}
    assert await here.presence.mark_disconnected([ada]) == set()
    assert await here.presence.get([ada]) == {ada: "busy"}
    assert await there.presence.mark_disconnected([ada]) == {ada}
    assert await here.presence.get([ada]) == {}


async def test_a_status_that_is_set_before_the_user_is_stored_is_kept(instance) -> None:
    """A client may set its status right after `ready`, while Redis is written for many others."""
    here, there = await instance(), await instance()
    ada, bob, eve = uuid4(), uuid4(), uuid4()
    for user in (ada, bob):
        here.presence.expect_connected(user)

    assert await here.presence.set_status(ada, "away")
    assert not await here.presence.set_status(bob, "online")
    await here.presence.set_status(eve, "busy")  # has disconnected meanwhile

    assert await here.presence.mark_connected([ada, bob]) == {bob}
    for each in (here, there):
        assert await each.presence.get([ada, bob, eve]) == {ada: "away", bob: "online"}


async def test_a_new_instance_counts_at_once(instance) -> None:
    here = await instance()
    await here.die()  # it stops renewing its lease
    there = await instance()
    ada = uuid4()

    await there.presence.mark_connected([ada])

    assert await here.presence.get([ada]) == {ada: "online"}
    assert await here.presence.mark_connected([ada]) == set()
    assert await here.presence.mark_disconnected([ada]) == set()


async def test_users_of_a_dead_instance_are_reported_offline_once(instance, keys) -> None:
    here, there, dead = await instance(), await instance(), await instance()
    ada, bob = uuid4(), uuid4()
    await dead.presence.mark_connected([ada, bob])
    await here.presence.mark_connected([bob])

    await dead.die()
    await until(lambda: bool(here.told or there.told))

    async def buried() -> bool:
        return not any("users" in key and dead.presence._instance_id in key for key in await keys())

    await until(buried)

    assert here.told + there.told == [(ada, "offline")]
    assert await there.presence.get([ada, bob]) == {bob: "online"}


async def test_a_paused_instance_restores_its_users(instance) -> None:
    here, paused = await instance(), await instance()
    ada = uuid4()
    await paused.presence.mark_connected([ada])
    await paused.presence.set_status(ada, "away")
    await paused.die()
    await until(lambda: here.told == [(ada, "offline")])

    await paused.resume()

    await until(lambda: paused.told == [(ada, None)])
    assert await here.presence.get([ada]) == {ada: "away"}


async def test_users_of_a_stopping_instance_may_connect_elsewhere(instance) -> None:
    here, stopping = await instance(), await instance()
    ada, bob = uuid4(), uuid4()
    await stopping.presence.mark_connected([ada, bob])

    assert await stopping.presence.close() is True
    assert here.told == []
    await here.presence.mark_connected([ada])
    await until(lambda: here.told == [(bob, "offline")])

    assert await here.presence.get([ada, bob]) == {ada: "online"}


async def test_presence_is_restored_after_redis_lost_its_data(instance, keys, redis_url) -> None:
    here, there = await instance(), await instance()
    ada, bob = uuid4(), uuid4()
    await here.presence.mark_connected([ada])
    await here.presence.set_status(ada, "busy")
    await there.presence.mark_connected([bob])

    async with Redis.from_url(redis_url) as client:
        await client.delete(*await keys())

    async def restored() -> bool:
        both = {ada: "busy", bob: "online"}
        return all([await each.presence.get([ada, bob]) == both for each in (here, there)])

    await until(restored)
    assert here.told == there.told == []


async def test_a_status_set_on_another_instance_survives_a_loss_of_redis(instance, keys, redis_url) -> None:
    here = await instance()
    ada = uuid4()
    await here.presence.mark_connected([ada])
    here.bus.publish(PresenceChanged(ada, "away", None, ()))

    async with Redis.from_url(redis_url) as client:
        await client.delete(*await keys())

    assert await here.presence.get([ada]) == {ada: "away"}


async def test_presence_pauses_without_redis_and_is_correct_afterwards(instance, redis_url) -> None:
    async with TcpProxy(redis_url) as proxy:
        here, there = await instance(proxy.url), await instance()
        ada, bob = uuid4(), uuid4()
        await here.presence.mark_connected([ada])

        await proxy.stop()
        with pytest.raises(Unavailable):
            await here.presence.mark_connected([bob])
        with pytest.raises(Unavailable):
            await here.presence.mark_disconnected([ada])
        assert (await here.presence.get([bob])) == {bob: "online"}
        await here.presence.set_status(bob, "busy")
        await until(lambda: there.told == [(ada, "offline")])
        await proxy.start()
        await until(lambda: bool(here.told))

        assert await there.presence.get([bob]) == {bob: "busy"}


async def test_all_keys_expire_after_a_crash(instance, keys) -> None:
    here = await instance()
    users = [uuid4() for _ in range(20)]
    for _ in range(3):
        crashed = await instance()
        await crashed.presence.mark_connected(users)
        await crashed.presence.set_status(users[0], "busy")
        await crashed.die()
    await until(lambda: {user_id for user_id, _ in here.told} == set(users))

    left = await keys()

    assert left
    assert [key for key, seconds in left.items() if seconds == NO_END] == []
    assert await here.presence.get(users) == {}


# --- which instances there are ---


def described(name: str, connections: int = 1) -> Described:
    return Described(name, "2026-01-01T00:00:00.000Z", connections, users=1, rooms=1, draining=False)


async def test_instances_see_the_descriptions_of_each_other(instance) -> None:
    here, there, silent = await instance(), await instance(), await instance()
    here.presence.register_instance(lambda: described("here", 2))
    there.presence.register_instance(lambda: described("there", 3))
    assert (await silent.presence.instances()).complete

    async def known() -> bool:
        return len((await here.presence.instances()).known) == 2

    await until(known)
    assert await here.presence.instances() == Instances([described("here", 2), described("there", 3)], True)

    await there.die()

    async def alone() -> bool:
        known = (await here.presence.instances()).known
        return bool(known == [described("here", 2)])

    await until(alone)


async def test_a_description_of_another_version_is_ignored(instance, redis_url, prefix) -> None:
    here = await instance()
    here.presence.register_instance(lambda: described("here"))
    async with Redis.from_url(redis_url) as client:
        for name, lease in (("old", "1"), ("new", '["new",1,2,3,4,5,6,7]'), ("broken", "{")):
            await client.sadd(f"{prefix}:instances", name)
            await client.set(f"{prefix}:lease:{name}", lease, px=60_000)
    assert await here.presence.instances() == Instances([described("here")], complete=True)


async def test_an_instance_sees_itself_without_redis(instance, redis_url) -> None:
    async with TcpProxy(redis_url) as proxy:
        here = await instance(proxy.url)
        here.presence.register_instance(lambda: described("here"))
        await proxy.stop()
        assert await here.presence.instances() == Instances([described("here")], complete=False)
