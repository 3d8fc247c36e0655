"""After a failover of Redis, signals, presence and limits use the new master within seconds."""

import asyncio
import socket
import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import node_connections, subscriber, topology
from hubbub.cluster.redis.emitter import Emitter
from hubbub.cluster.redis.identity import parse_role
from hubbub.cluster.redis.presence import RedisPresence
from hubbub.cluster.redis.rate_limiter import RedisRateLimiter
from hubbub.core.errors import Unavailable
from hubbub.ratelimit.rate import Rate
from tests.cluster.conftest import entries_signal, until
from tests.support.redis_servers import RedisServer, Sentinel
from tests.support.tcp_proxy import TcpProxy

SOON = 10.0  # seconds: the specified limit of a failover
RATE = Rate(3, 0.001)


@pytest.fixture
def short_timeouts(monkeypatch):
    """Look more often, so that the test does not wait for long."""
    monkeypatch.setattr(node_connections, "IDENTITY_CHECK_INTERVAL_S", 1.0)
    monkeypatch.setattr(subscriber, "STALE_AFTER_S", 2.5)


@pytest.fixture
async def pair():
    """A master and a replica that has all of it."""
    with RedisServer() as master, RedisServer() as replica:
        await _follow(replica, master)
        yield master, replica


async def _follow(replica: RedisServer, master: RedisServer) -> None:
    await _do(replica, "REPLICAOF", "127.0.0.1", master.port)

    async def is_linked() -> bool:
        async with Redis(port=replica.port) as client:
            return (await client.info("replication")).get("master_link_status") == "up"

    await until(is_linked)


async def _do(server: RedisServer, *words: object) -> object:
    async with Redis(port=server.port) as client:
        return await client.execute_command(*words)


class Instances:
    """What two instances share: buses, presence and limits."""

    def __init__(self, here, there, url: str, prefix: str) -> None:
        self.buses = (here, there)
        self.found = [topology.from_url(url, prefix, timeout=0.5) for _ in range(2)]
        self.presences = [RedisPresence(found, prefix, MemoryBus()) for found in self.found]
        self.limits = [RedisRateLimiter(found, prefix, 1.0) for found in self.found]

    async def start(self) -> None:
        await until(lambda: all(each.bus.state() == "ok" for each in self.buses))
        for presence in self.presences:
            presence.start(_ignore)

    async def close(self) -> None:
        for presence in self.presences:
            await presence.close()
        for found in self.found:
            await found.close()

    async def receives(self) -> bool:
        """Return whether both receive the signals of the other."""
        here, there = self.buses
        for one, other in ((here, there), (there, here)):
            room_id = uuid4()
            other.bus.subscribe_room(room_id)
            await other.bus.wait_subscribed()
            one.bus.publish(entries_signal(room_id, 1))
            for _ in range(20):
                if any(signal.room_id == room_id for signal in other.signals):
                    break
                await asyncio.sleep(0.01)
            else:
                return False
        return True

    async def sees_presence(self) -> bool:
        """Whether the users of one are seen by the other."""
        user = uuid4()
        try:
            await self.presences[0].mark_connected([user])
        except Unavailable:
            return False
        return await self.presences[1].get([user]) == {user: "online"}

    async def count(self) -> bool:
        """Whether limits are shared."""
        key = uuid4().hex
        waits = [(await self.limits[index % 2].acquire("http", key, RATE)).wait_ms for index in range(4)]
        return waits[3] > 0 and waits[:3] == [0, 0, 0]

    async def work(self) -> bool:
        return await self.receives() and await self.sees_presence() and await self.count()


async def _ignore(_users: object, _status: object) -> None:
    """Ignore presence changes."""


@pytest.mark.usefixtures("short_timeouts")
@pytest.mark.parametrize("earlier", ["a replica", "silent", "a master"])
async def test_a_proxy_that_keeps_connections_to_the_previous_master(
    pair, redis_bus, prefix, earlier, caplog, figures
) -> None:
    """New connections lead to the new master. Existing ones keep the earlier one."""
    master, replica = pair
    async with TcpProxy(master.url) as proxy:
        instances = Instances(await redis_bus(proxy.url), await redis_bus(proxy.url), proxy.url, prefix)
        await instances.start()
        await until(instances.work)
        caplog.clear()

        await _do(replica, "REPLICAOF", "NO", "ONE")
        proxy.redirect_to(replica.url)
        if earlier == "a replica":
            await _do(master, "REPLICAOF", "127.0.0.1", replica.port)
        elif earlier == "silent":
            proxy.stall_connections()
        began = time.monotonic()
        await until(lambda: _leads(instances, replica))
        await until(instances.work)
        took = time.monotonic() - began

        assert took < SOON
        lines = [record.message for record in caplog.records if record.name.endswith("redis.bus")]
        assert 1 <= len([line for line in lines if line.startswith("redis is unavailable")]) <= 4
        figures(f"the earlier master is {earlier}: all works after {took:.1f} s")
        await instances.close()


async def _leads(instances: Instances, server: RedisServer) -> bool:
    """Whether both buses talk to this server, in both directions."""
    run_id = (await _info(server))["run_id"]
    lines = [
        line
        for each in instances.buses
        for lane in each.bus._connections._connections.values()
        for line in lane
    ]
    return all(line.up and line.server.run_id == run_id for line in lines)


async def _role(server: RedisServer) -> str:
    async with Redis(port=server.port) as client:
        return parse_role(await client.execute_command("ROLE"))


async def _info(server: RedisServer) -> dict[str, str]:
    async with Redis(port=server.port) as client:
        found: dict[str, str] = await client.info("server")
        return found


async def test_a_failover_by_sentinel_is_followed(pair, redis_bus, prefix, figures) -> None:
    master, replica = pair
    with Sentinel(master) as sentinel:
        # It must have discovered the replica first.
        async def has_switched() -> bool:
            return bool(await _do(sentinel, "SENTINEL", "REPLICAS", "mymaster"))

        await until(has_switched)
        instances = Instances(
            await redis_bus(sentinel.url), await redis_bus(sentinel.url), sentinel.url, prefix
        )
        await instances.start()
        await until(instances.work)

        master.pause()  # like a paused machine: connections stay open, and it is master again afterwards
        try:

            async def switched() -> bool:
                try:
                    await _do(sentinel, "SENTINEL", "FAILOVER", "mymaster")
                except RedisError:
                    return await _role(replica) == "master"
                return False

            await until(switched)
            began = time.monotonic()
            await until(lambda: _leads(instances, replica))
        finally:
            master.resume()
        await until(instances.work)
        took = time.monotonic() - began

        assert took < SOON
        figures(f"a Sentinel switches: all works after {took:.1f} s")
        await instances.close()


async def test_a_replica_is_refused(pair, redis_bus) -> None:
    here = await redis_bus(pair[1].url)

    await until(lambda: here.bus._connections.last_error == "the server is a replica")
    assert here.bus.state() == "unavailable"

    await _do(pair[1], "REPLICAOF", "NO", "ONE")
    await until(lambda: here.bus.state() == "ok")


async def test_a_silent_sentinel_does_not_block_the_others(redis_bus) -> None:
    with (
        RedisServer() as master,
        Sentinel(master) as sentinel,
        socket.create_server(("127.0.0.1", 0)) as silent,
    ):
        places = f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{sentinel.port}"

        here = await redis_bus(f"redis+sentinel://{places}/mymaster/0")

        await until(lambda: here.bus.state() == "ok")


@pytest.mark.parametrize(
    ("refuse", "accept"),
    [
        (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
        (("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0)),
    ],
)
async def test_a_connection_to_a_read_only_server_is_closed(refuse, accept) -> None:
    with RedisServer() as server:
        found = topology.from_url(server.url)
        await found.client.set("a", 1)
        before = await found.client.client_id()
        await _do(server, *refuse)

        for attempt in (found.client.set("a", 2), found.client.eval("return redis.call('SET', 'a', 3)", 0)):
            with pytest.raises(RedisError, match="the server refuses writes"):
                await attempt

        await _do(server, *accept)
        await found.client.set("a", 4)
        assert await found.client.client_id() != before
        await found.close()


async def test_an_emitter_reaches_the_new_master(pair, redis_bus, prefix) -> None:
    """A replica accepts what it publishes, and passes it on to no subscriber."""
    master, replica = pair
    async with TcpProxy(master.url) as proxy, Emitter(proxy.url, prefix) as emitter:
        await emitter.emit("before", to=str(uuid4()), namespace="/chat")
        await _do(replica, "REPLICAOF", "NO", "ONE")
        await _do(master, "REPLICAOF", "127.0.0.1", replica.port)
        proxy.redirect_to(replica.url)
        emitter._role_checked_at = float("-inf")  # a second later
        here = await redis_bus(replica.url)
        room_id = uuid4()
        here.bus.subscribe_room(room_id)
        await until(lambda: here.bus.state() == "ok")
        await here.bus.wait_subscribed()

        await emitter.emit("after", to=str(room_id), namespace="/chat")

        await here.wait_for_count(1)


async def test_connections_to_different_servers_by_configuration_are_left_open(redis_bus) -> None:
    here = await redis_bus()
    await until(lambda: here.bus.state() == "ok")
    its = here.bus._connections
    its._identity_checked_at = float("inf")  # the test compares
    for _ in range(node_connections.MAX_REPLACEMENTS_IN_A_ROW - 1):
        await _compare(its)
        await until(lambda: not its.up)
        await until(lambda: its.up)
    await _compare(its)

    assert its._replacements_in_a_row == node_connections.MAX_REPLACEMENTS_IN_A_ROW
    assert its.up


async def _compare(its: node_connections.NodeConnections) -> None:
    for line in (line for lane in its._connections.values() for line in lane):
        line.server = line.server._replace(run_id="another")  # as behind a proxy for several servers
    await its._replace_misrouted()
