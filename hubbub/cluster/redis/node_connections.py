"""The connections of the bus: a publisher and a subscriber for each Redis server."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from hubbub.cluster.redis.identity import REPLICA_ERROR, Identity, identify
from hubbub.cluster.redis.probe import Probe
from hubbub.cluster.redis.publisher import Publisher
from hubbub.cluster.redis.reconnecting import CONNECT_TIMEOUT_S, REDIS_ERRORS, RESPONSE_TIMEOUT_S
from hubbub.cluster.redis.subscriber import Subscriber, reconnect_stale
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics, tasks

log = logging.getLogger(__name__)

HEARTBEAT_INTERVAL_S = 1.0
IDENTITY_CHECK_INTERVAL_S = 3.0  # between two checks of the server that new connections reach
# After so many consecutive replacements, connections are taken to reach different servers on purpose.
MAX_REPLACEMENTS_IN_A_ROW = 3
DISCOVERY_TIMEOUT_S = 10.0
MAX_HEARTBEAT_NAMES = 100_000  # candidates for a heartbeat channel, enough for one in any node


class NodeConnection(NamedTuple):
    """Both connections to one server."""

    publisher: Publisher
    subscriber: Subscriber

    @property
    def up(self) -> bool:
        return self.publisher.up and self.subscriber.up


class NodeConnections:
    """A NodeConnection for each node. There is one node, except in a cluster."""

    def __init__(
        self,
        topology: Topology,
        heartbeat_channel: bytes,
        on_change: Callable[[], None],
        on_message: Callable[[bytes], None],
    ) -> None:
        self._topology = topology  # the servers
        self._heartbeat_channel = heartbeat_channel  # prefix of the heartbeat channel of each node
        self._on_change = on_change  # called when `up` may have changed
        self._on_message = on_message  # called for each message, except heartbeats
        self._connections: dict[str, NodeConnection] = {}  # by node
        self._channels: set[bytes] = set()  # subscribed channels, without those of heartbeats
        self._last_error = ""  # an error that is not of one connection
        self._outdated = True  # whether the nodes must be read again
        self._lost_count = 0  # messages that no node's publisher got, and those of former nodes
        self._moving = False  # whether channels move between nodes, and no node delivers them
        self._task = tasks.PeriodicTask(
            self._beat, name="redis heartbeat", interval_s=HEARTBEAT_INTERVAL_S, immediately=True
        )
        self._identity_check: asyncio.Task[None] | None = None  # the running or last check
        self._identity_checked_at = clock.monotonic()  # monotonic time at which it began
        self._replacements_in_a_row = 0  # consecutive identity checks that replaced connections

    def start(self) -> None:
        """Begin connecting."""
        self._task.start()

    async def close(self, timeout_s: float) -> None:
        """Send the queued messages, for at most `timeout_s`, and close the connections."""
        for node_connection in self._connections.values():
            await node_connection.publisher.flush(timeout_s)
        await self._task.close()
        await tasks.stop(self._identity_check)
        await self._close_nodes(list(self._connections))
        await self._topology.close()

    @property
    def up(self) -> bool:
        """Whether the publisher and the subscriber of every node work."""
        return (
            bool(self._connections)
            and not self._moving
            and all(node_connection.up for node_connection in self._connections.values())
        )

    @property
    def last_error(self) -> str:
        """The reason why `up` is false, for the log."""
        errors = [each.last_error for each in self._all_connections() if not each.up and each.last_error]
        return errors[0] if errors else self._last_error or "no response"

    def _all_connections(self) -> list[Publisher | Subscriber]:
        return [
            connection for node_connection in self._connections.values() for connection in node_connection
        ]

    def publish(self, channel: bytes, payload: bytes) -> None:
        """Publish a message. It is dropped while Redis is unavailable."""
        node_connection = self._connection_for(channel)
        if node_connection is None:
            metrics.count("bus_signals_dropped")
            self._lost_count += 1
        else:
            node_connection.publisher.enqueue(channel, payload)

    def subscribe(self, channel: bytes) -> None:
        """Subscribe to a channel."""
        self._channels.add(channel)
        if (node_connection := self._connection_for(channel)) is not None:
            node_connection.subscriber.subscribe(channel)

    def unsubscribe(self, channel: bytes) -> None:
        """Unsubscribe from a channel."""
        self._channels.discard(channel)
        if (node_connection := self._connection_for(channel)) is not None:
            node_connection.subscriber.unsubscribe(channel)

    async def wait_subscribed(self) -> None:
        """Wait until the subscriptions made so far are in effect."""
        for node_connection in list(self._connections.values()):
            await node_connection.subscriber.wait_subscribed()

    async def wait_confirmed(self) -> bool:
        """Wait until all servers have confirmed what was published, at most 0.1 s each; False if not."""
        publishers = [node_connection.publisher for node_connection in self._connections.values()]
        confirmed = [await publisher.wait_confirmed() for publisher in publishers]
        return all(confirmed)

    @property
    def lost_count(self) -> int:
        """A number that changes whenever a message is dropped, or lost with its connection."""
        publishers = [node_connection.publisher for node_connection in self._connections.values()]
        return self._lost_count + sum(publisher.lost_count for publisher in publishers)

    async def is_current(self, channel: bytes) -> bool:
        """Return whether all messages published on a subscribed channel before this call were received."""
        node_connection = self._connection_for(channel)
        return (
            node_connection is not None
            and self.up
            and await node_connection.subscriber.probe.is_current()
            and self.up
        )

    def _connection_for(self, channel: bytes) -> NodeConnection | None:
        if not self._connections:
            return None
        try:
            return self._connections.get(self._topology.node_of(channel))
        except REDIS_ERRORS:  # a slot that no node has
            return None

    async def _beat(self) -> None:
        """Adopt a changed topology, send the heartbeats, replace subscribers that receive nothing."""
        try:
            if self._outdated:
                await self._update_nodes()
        except TimeoutError:
            self._on_failure("no response")
        except REDIS_ERRORS as error:
            self._on_failure(str(error).rstrip(".") or type(error).__name__)
        for node_connection in self._connections.values():
            node_connection.publisher.enqueue(node_connection.subscriber.heartbeat_channel, b"")
            node_connection.publisher.request_role()
        self._check_identity()
        reconnect_stale(node_connection.subscriber for node_connection in self._connections.values())

    def _check_identity(self) -> None:
        """Check at intervals which server new connections reach. A cluster reports changes itself."""
        running = self._identity_check is not None and not self._identity_check.done()
        due = clock.monotonic() - self._identity_checked_at >= IDENTITY_CHECK_INTERVAL_S
        if (
            due
            and not running
            and self.up
            and not self._topology.sharded
            and self._replacements_in_a_row < MAX_REPLACEMENTS_IN_A_ROW
        ):
            self._identity_checked_at = clock.monotonic()
            self._identity_check = tasks.spawn(self._replace_misrouted(), name="redis comparison")

    async def _replace_misrouted(self) -> None:
        """Replace connections to another server than new ones reach, as after a failover behind a proxy."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                current = await self._identity()
        except REDIS_ERRORS:  # a timeout is one of them; each connection detects the failure itself
            return
        misrouted = [
            each
            for each in self._all_connections()
            if each.up and each.server.run_id not in ("", current.run_id)
        ]
        if not current.run_id or not misrouted:
            self._replacements_in_a_row = 0
            return
        self._replacements_in_a_row += 1
        if self._replacements_in_a_row == MAX_REPLACEMENTS_IN_A_ROW:
            log.info("connections to redis reach different servers: they are no longer compared")
            return
        metrics.count("redis_connections_misled", by=len(misrouted))
        for connection in misrouted:
            connection.reconnect("new connections reach another server")
        await self._topology.replace_idle()

    async def _identity(self) -> Identity:
        connection = await self._topology.dial("")
        try:
            return await identify(connection)
        finally:
            await connection.disconnect(nowait=True)

    def _on_failure(self, reason: str) -> None:
        self._outdated = True
        self._last_error = reason
        self._on_change()

    def _on_connection_change(self) -> None:
        # After any failure, the slots of a cluster may be on other nodes.
        self._outdated = self._outdated or not self.up
        for publisher, subscriber in self._connections.values():
            became_replica = not publisher.up and publisher.last_error == REPLICA_ERROR
            if became_replica and subscriber.up and subscriber.server == publisher.server:
                # A replica delivers what is published there, and nothing from the master.
                subscriber.reconnect(REPLICA_ERROR)
        if not self.up:
            tasks.spawn(self._topology.replace_idle(), name="redis idle connections")
        self._on_change()

    async def _update_nodes(self) -> None:
        """Keep one NodeConnection per node, and subscribe each to the channels of its node."""
        self._outdated = False  # later changes are handled the next time
        async with asyncio.timeout(DISCOVERY_TIMEOUT_S):
            nodes = await self._topology.nodes()
        removed = [
            node
            for node, node_connection in self._connections.items()
            if not self._is_current_node(node_connection, node, nodes)
        ]
        moved = bool(removed)
        await self._close_nodes(removed)
        added = [node for node in nodes if node not in self._connections]
        self._connections |= {node: self._open(node) for node in added}
        for node, node_connection in self._connections.items():
            node_channels = {channel for channel in self._channels if self._topology.node_of(channel) == node}
            moved = moved or (node not in added and node_connection.subscriber.is_missing(node_channels))
            node_connection.subscriber.subscribe_only(node_channels)
        if moved:
            await self._wait_moved()
        self._on_change()

    async def _wait_moved(self) -> None:
        """Report `up` as false until channels that moved are subscribed again, even if no connection broke.

        Signals published meanwhile are lost. When the bus is up again, it publishes SignalsLost.
        """
        self._moving, self._last_error = True, "slots of the cluster have moved"
        self._on_change()
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                await self.wait_subscribed()
        finally:
            self._moving, self._last_error = False, ""

    def _is_current_node(self, node_connection: NodeConnection, node: str, nodes: list[str]) -> bool:
        return node in nodes and self._topology.node_of(node_connection.subscriber.heartbeat_channel) == node

    def _open(self, node: str) -> NodeConnection:
        dial = partial(self._topology.dial, node)
        command, sharded = (b"SPUBLISH", True) if self._topology.sharded else (b"PUBLISH", False)
        names = (self._heartbeat_channel + b":%d" % number for number in range(MAX_HEARTBEAT_NAMES))
        heartbeat = next(name for name in names if self._topology.node_of(name) == node)

        def on_change() -> None:
            probe.reset()
            self._on_connection_change()

        publisher = Publisher(command, dial, on_change)
        probe = Probe(partial(publisher.enqueue, heartbeat))
        node_connection = NodeConnection(
            publisher, Subscriber(heartbeat, dial, on_change, self._on_message, probe, sharded=sharded)
        )
        for connection in node_connection:
            connection.start()
        return node_connection

    async def _close_nodes(self, nodes: list[str]) -> None:
        for node in nodes:
            node_connection = self._connections.pop(node)
            self._lost_count += node_connection.publisher.lost_count + 1
            for connection in node_connection:
                await connection.close()
