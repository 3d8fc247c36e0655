"""The connections of the bus: to each server one that publishes and one that listens."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hubbub.cluster.redis.line import FAILURES
from hubbub.cluster.redis.listener import Listener, check
from hubbub.cluster.redis.publisher import Publisher
from hubbub.cluster.redis.servers import Servers
from hubbub.core import metrics, tasks

HEARTBEAT_S = 1.0
ARRANGE_S = 10.0
HEARTBEAT_NAMES = 100_000  # of which some hash to any node


class Lane(NamedTuple):
    """Both directions of one server."""

    publisher: Publisher
    listener: Listener

    @property
    def up(self) -> bool:
        return self.publisher.up and self.listener.up


class Lanes:
    """A lane a node; there is one node unless it is a cluster."""

    def __init__(
        self,
        servers: Servers,
        heartbeat: bytes,
        on_change: Callable[[], None],
        hear: Callable[[bytes], None],
    ) -> None:
        self._servers = servers
        self._heartbeat = heartbeat
        self._on_change = on_change
        self._hear = hear
        self._lanes: dict[str, Lane] = {}
        self._wanted: set[bytes] = set()
        self._trouble = ""
        self._stale = True
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin connecting."""
        self._task = tasks.spawn(self._run(), name="redis heartbeat")

    async def close(self, seconds: float) -> None:
        """Send what waits, for so long at most; hang up."""
        for lane in self._lanes.values():
            await lane.publisher.flush(seconds)
        await tasks.stop(self._task)
        await self._drop(list(self._lanes))
        await self._servers.close()

    @property
    def up(self) -> bool:
        """Whether every node hears and is heard."""
        return bool(self._lanes) and all(lane.up for lane in self._lanes.values())

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

    def want(self, channel: bytes) -> None:
        """Hear a channel."""
        self._wanted.add(channel)
        if (lane := self._lane(channel)) is not None:
            lane.listener.want(channel)

    def unwant(self, channel: bytes) -> None:
        """Hear it no more."""
        self._wanted.discard(channel)
        if (lane := self._lane(channel)) is not None:
            lane.listener.unwant(channel)

    async def settled(self) -> None:
        """Wait until what is wanted by now is in force."""
        for lane in list(self._lanes.values()):
            await lane.listener.settled()

    def _lane(self, channel: bytes) -> Lane | None:
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
                self._trouble = "it does not answer"
                self._on_change()
            except FAILURES as error:
                self._trouble = str(error).rstrip(".") or type(error).__name__
                self._on_change()
            for lane in self._lanes.values():
                lane.publisher.put(lane.listener.heartbeat, b"")
            check(lane.listener for lane in self._lanes.values())
            await asyncio.sleep(HEARTBEAT_S)

    def _line_changed(self) -> None:
        # Whatever broke: in a cluster its slots may be elsewhere now.
        self._stale = self._stale or not self.up
        self._on_change()

    async def _arrange(self) -> None:
        """A lane for each node there is, each listening to the channels of its node."""
        async with asyncio.timeout(ARRANGE_S):
            nodes = await self._servers.nodes()
        gone = [node for node, lane in self._lanes.items() if not self._belongs(lane, node, nodes)]
        await self._drop(gone)
        for node in nodes:
            if node not in self._lanes:
                self._lanes[node] = self._open(node)
        for node, lane in self._lanes.items():
            mine = {channel for channel in self._wanted if self._servers.node_of(channel) == node}
            lane.listener.want_only(mine)
        self._stale = False
        self._on_change()

    def _belongs(self, lane: Lane, node: str, nodes: list[str]) -> bool:
        return node in nodes and self._servers.node_of(lane.listener.heartbeat) == node

    def _open(self, node: str) -> Lane:
        dial = partial(self._servers.dial, node)
        word, sharded = (b"SPUBLISH", True) if self._servers.sharded else (b"PUBLISH", False)
        names = (self._heartbeat + b":%d" % number for number in range(HEARTBEAT_NAMES))
        heartbeat = next(name for name in names if self._servers.node_of(name) == node)
        lane = Lane(
            Publisher(word, dial, self._line_changed),
            Listener(heartbeat, dial, self._line_changed, self._hear, sharded=sharded),
        )
        for line in lane:
            line.start()
        return lane

    async def _drop(self, nodes: list[str]) -> None:
        for node in nodes:
            for line in self._lanes.pop(node):
                await line.close()
