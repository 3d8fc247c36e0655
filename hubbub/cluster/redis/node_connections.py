"""The connections of the bus: to each server one that publishes and one that listens."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hubbub.cluster.redis.identity import REPLICA, Identity, identify
from hubbub.cluster.redis.probe import Probe
from hubbub.cluster.redis.publisher import Publisher
from hubbub.cluster.redis.reconnecting import ANSWER_S, CONNECT_S, FAILURES
from hubbub.cluster.redis.subscriber import Subscriber, check
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics, tasks

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
COMPARE_S = 3.0  # between two looks at where new connections lead
COMPARED = 3  # lanes replaced in a row, after which connections lead to different servers on purpose
ARRANGE_S = 10.0
HEARTBEAT_NAMES = 100_000  # of which some hash to any node


class NodeConnection(NamedTuple):
    """Both directions of one server."""

    publisher: Publisher
    listener: Subscriber

    @property
    def up(self) -> bool:
        return self.publisher.up and self.listener.up


class NodeConnections:
    """A lane a node; there is one node unless it is a cluster."""

    def __init__(
        self,
        servers: Topology,
        heartbeat: bytes,
        on_change: Callable[[], None],
        hear: Callable[[bytes], None],
    ) -> None:
        self._servers = servers
        self._heartbeat = heartbeat
        self._on_change = on_change
        self._hear = hear
        self._lanes: dict[str, NodeConnection] = {}
        self._wanted: set[bytes] = set()
        self._trouble = ""
        self._stale = True
        self._moving = False  # channels are between two nodes, and heard through none of them
        self._task: asyncio.Task[None] | None = None
        self._comparing: asyncio.Task[None] | None = None
        self._compared_at = clock.monotonic()
        self._replaced = 0  # in a row, by comparing

    def start(self) -> None:
        """Begin connecting."""
        self._task = tasks.spawn(self._run(), name="redis heartbeat")

    async def close(self, seconds: float) -> None:
        """Send what waits, for so long at most; hang up."""
        for lane in self._lanes.values():
            await lane.publisher.flush(seconds)
        await tasks.stop(self._task)
        await tasks.stop(self._comparing)
        await self._drop(list(self._lanes))
        await self._servers.close()

    @property
    def up(self) -> bool:
        """Whether every node hears and is heard."""
        return bool(self._lanes) and not self._moving and all(lane.up for lane in self._lanes.values())

    @property
    def trouble(self) -> str:
        """What is wrong, for the log."""
        lines = [line for lane in self._lanes.values() for line in lane if not line.up]
        return next((line.trouble for line in lines if line.trouble), self._trouble or "it does not answer")

    def put(self, channel: bytes, payload: bytes) -> None:
        """Publish, as long as Redis is there."""
        lane = self._lane(channel)
        if lane is None:
            metrics.count("bus_signals_dropped")
        else:
            lane.publisher.put(channel, payload)

    def subscribe(self, channel: bytes) -> None:
        """Hear a channel."""
        self._wanted.add(channel)
        if (lane := self._lane(channel)) is not None:
            lane.listener.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        """Hear it no more."""
        self._wanted.discard(channel)
        if (lane := self._lane(channel)) is not None:
            lane.listener.unsubscribe(channel)

    async def settled(self) -> None:
        """Wait until what is wanted by now is in force."""
        for lane in list(self._lanes.values()):
            await lane.listener.settled()

    async def confirmed(self) -> None:
        """Wait until what was published by now has arrived at its server; at most 0.1 s."""
        for lane in list(self._lanes.values()):
            await lane.publisher.confirmed()

    async def current(self, channel: bytes) -> bool:
        """Whether all that was published on a wanted channel before this call has been received here."""
        lane = self._lane(channel)
        return lane is not None and self.up and await lane.listener.probe.current() and self.up

    def _lane(self, channel: bytes) -> NodeConnection | None:
        if not self._lanes:
            return None
        try:
            return self._lanes.get(self._servers.node_of(channel))
        except FAILURES:  # a slot that no node has
            return None

    async def _run(self) -> None:
        while True:
            try:
                if self._stale:
                    await self._arrange()
            except TimeoutError:
                self._failed("it does not answer")
            except FAILURES as error:
                self._failed(str(error).rstrip(".") or type(error).__name__)
            for lane in self._lanes.values():
                lane.publisher.put(lane.listener.heartbeat, b"")
                lane.publisher.ask_role()
            self._compare()
            check(lane.listener for lane in self._lanes.values())
            await asyncio.sleep(HEARTBEAT_S)

    def _compare(self) -> None:
        """From time to time, look where new connections lead; a cluster says it by itself."""
        busy = self._comparing is not None and not self._comparing.done()
        due = clock.monotonic() - self._compared_at >= COMPARE_S
        if due and not busy and self.up and not self._servers.sharded and self._replaced < COMPARED:
            self._compared_at = clock.monotonic()
            self._comparing = tasks.spawn(self._replace_misled(), name="redis comparison")

    async def _replace_misled(self) -> None:
        """Replace what leads to another server than new connections, as after a failover behind a proxy."""
        try:
            async with asyncio.timeout(CONNECT_S):
                fresh = await self._identity()
        except FAILURES:  # a timeout is one of them; lines find out for themselves
            return
        lines = [line for lane in self._lanes.values() for line in lane]
        misled = [line for line in lines if line.up and line.server.run_id not in ("", fresh.run_id)]
        if not fresh.run_id or not misled:
            self._replaced = 0
            return
        self._replaced += 1
        if self._replaced == COMPARED:
            log.info("connections to redis lead to different servers: they are not compared any more")
            return
        metrics.count("redis_connections_misled", by=len(misled))
        for line in misled:
            line.hang_up("new connections lead to another server")
        await self._servers.replace_idle()

    async def _identity(self) -> Identity:
        connection = await self._servers.dial("")
        try:
            return await identify(connection)
        finally:
            await connection.disconnect(nowait=True)

    def _failed(self, why: str) -> None:
        self._stale = True
        self._trouble = why
        self._on_change()

    def _line_changed(self) -> None:
        # Whatever broke: in a cluster its slots may be elsewhere now.
        self._stale = self._stale or not self.up
        for publisher, listener in self._lanes.values():
            lost = not publisher.up and publisher.trouble == REPLICA
            if lost and listener.up and listener.server == publisher.server:
                listener.hang_up(REPLICA)  # it hears what others publish there, and nothing of the master
        if not self.up:
            tasks.spawn(self._servers.replace_idle(), name="redis idle connections")
        self._on_change()

    async def _arrange(self) -> None:
        """A lane for each node there is, each listening to the channels of its node."""
        self._stale = False  # what changes from now on is arranged the next time
        async with asyncio.timeout(ARRANGE_S):
            nodes = await self._servers.nodes()
        gone = [node for node, lane in self._lanes.items() if not self._belongs(lane, node, nodes)]
        moved = bool(gone)
        await self._drop(gone)
        new = [node for node in nodes if node not in self._lanes]
        self._lanes |= {node: self._open(node) for node in new}
        for node, lane in self._lanes.items():
            mine = {channel for channel in self._wanted if self._servers.node_of(channel) == node}
            moved = moved or (node not in new and lane.listener.lacks(mine))
            lane.listener.subscribe_only(mine)
        if moved:
            await self._move()
        self._on_change()

    async def _move(self) -> None:
        """Be down until channels that moved are heard again, even if no connection broke.

        What was published meanwhile is lost, and whoever listens is told so once the bus is up again.
        """
        self._moving, self._trouble = True, "slots of the cluster have moved"
        self._on_change()
        try:
            async with asyncio.timeout(ANSWER_S):
                await self.settled()
        finally:
            self._moving, self._trouble = False, ""

    def _belongs(self, lane: NodeConnection, node: str, nodes: list[str]) -> bool:
        return node in nodes and self._servers.node_of(lane.listener.heartbeat) == node

    def _open(self, node: str) -> NodeConnection:
        dial = partial(self._servers.dial, node)
        word, sharded = (b"SPUBLISH", True) if self._servers.sharded else (b"PUBLISH", False)
        names = (self._heartbeat + b":%d" % number for number in range(HEARTBEAT_NAMES))
        heartbeat = next(name for name in names if self._servers.node_of(name) == node)

        def changed() -> None:
            probe.reset()
            self._line_changed()

        publisher = Publisher(word, dial, changed)
        probe = Probe(partial(publisher.put, heartbeat))
        lane = NodeConnection(
            publisher, Subscriber(heartbeat, dial, changed, self._hear, probe, sharded=sharded)
        )
        for line in lane:
            line.start()
        return lane

    async def _drop(self, nodes: list[str]) -> None:
        for node in nodes:
            for line in self._lanes.pop(node):
                await line.close()
