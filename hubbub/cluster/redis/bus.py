"""The bus of several instances over Redis pub/sub, with one channel per room and per user.

An instance subscribes only to the channels of the rooms and users that are connected to it.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from hubbub.cluster.bus import PresenceChanged, Signal, SignalsLost
from hubbub.cluster.memory import MemoryBus
from hubbub.cluster.redis import presence_batch
from hubbub.cluster.redis.codec import PUBLISHER_ID_BYTES, Channels, Statuses, build_decoder, encode
from hubbub.cluster.redis.node_connections import NodeConnections
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics

if TYPE_CHECKING:
    from hubbub.cluster.redis.presence_batch import Changes

log = logging.getLogger(__name__)

START_TIMEOUT_S = 2.0
SUBSCRIBE_TIMEOUT_S = 1.0
FLUSH_TIMEOUT_S = 1.0


class RedisBus:
    """Calls this instance's handlers at once for its own signals. Their copies from Redis are ignored."""

    def __init__(self, topology: Topology, prefix: str) -> None:
        self._publisher_id = secrets.token_bytes(PUBLISHER_ID_BYTES)  # begins each message of this instance
        self._channels = Channels(prefix)
        self._local = MemoryBus()  # calls the handlers of this instance
        self._connections = NodeConnections(
            topology,
            self._channels.instance(self._publisher_id.hex()),
            self._on_connection_change,
            self._on_message,
        )
        self._user_subscriptions: Counter[UUID] = Counter()  # `subscribe_user` without its `unsubscribe_user`
        # Own changes, before they are published.
        self._outgoing_presence = presence_batch.PresenceBatch(self._publish_presence)
        # Changes of other instances.
        self._incoming_presence = presence_batch.PresenceBatch(self._on_presence)
        self._decoder: msgspec.msgpack.Decoder[Signal] | None = None  # built when all signals are defined
        self._up: bool | None = None  # the state of Redis that was logged last; None: none yet
        self._started = False  # whether `start` has returned
        self._state_since = clock.monotonic()  # monotonic time of the last change of `_up`
        self._connected = asyncio.Event()  # set at the first connection
        metrics.gauge("redis_up", lambda: float(bool(self._up)))

    async def start(self) -> None:
        self._connections.start()
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._connected.wait()
        except TimeoutError:
            pass
        self._started = True
        self._on_connection_change()

    async def close(self) -> None:
        self._outgoing_presence.flush()
        await self._connections.close(FLUSH_TIMEOUT_S)

    def state(self) -> str | None:
        return "ok" if self._up else "unavailable"

    def publish(self, signal: Signal) -> None:
        self._local.publish(signal)
        if isinstance(signal, PresenceChanged):
            self._outgoing_presence.add(signal.user_id, signal.status, signal.last_seen_at, signal.room_ids)
        else:
            self._send(self._channels.for_signal(signal), signal)

    def _send(self, channel: bytes, signal: Signal) -> None:
        try:
            self._connections.publish(channel, self._publisher_id + encode(signal))
        except Exception:
            metrics.count("bus_signals_dropped")
            log.exception("a signal could not be sent", extra={"signal": type(signal).__name__})

    def _publish_presence(self, changes: "Changes") -> None:
        for signal in presence_batch.by_room(changes):
            self._send(self._channels.for_signal(signal), signal)
        for user_id, signal in presence_batch.by_user(changes):
            self._send(self._channels.user(user_id), signal)

    # Input.

    def add_handler(self, handler: Callable[[Signal], None]) -> None:
        self._local.add_handler(handler)

    def _on_message(self, message: bytes) -> None:
        if message.startswith(self._publisher_id):
            return
        metrics.counters["bus_signals_received"] += 1
        if self._decoder is None:
            self._decoder = build_decoder()
        try:
            signal = self._decoder.decode(memoryview(message)[PUBLISHER_ID_BYTES:])
        except msgspec.MsgspecError:  # may be of a newer version
            metrics.count("bus_signals_undecodable")
            return
        if isinstance(signal, Statuses):
            rooms = () if signal.room_id is None else (signal.room_id,)
            for user_id, status, last_seen_at in signal.changes:
                self._incoming_presence.add(user_id, status, last_seen_at, rooms)
        else:
            self._local.publish(signal)

    def _on_presence(self, changes: "Changes") -> None:
        for signal in presence_batch.to_signals(changes):
            self._local.publish(signal)

    # Subscriptions.

    def subscribe_room(self, room_id: UUID) -> None:
        self._connections.subscribe(self._channels.room(room_id))

    def unsubscribe_room(self, room_id: UUID) -> None:
        self._connections.unsubscribe(self._channels.room(room_id))

    def subscribe_user(self, user_id: UUID) -> None:
        self._user_subscriptions[user_id] += 1
        if self._user_subscriptions[user_id] == 1:
            self._connections.subscribe(self._channels.user(user_id))

    def unsubscribe_user(self, user_id: UUID) -> None:
        self._user_subscriptions[user_id] -= 1
        if self._user_subscriptions[user_id] <= 0:
            del self._user_subscriptions[user_id]
            self._connections.unsubscribe(self._channels.user(user_id))

    def subscribe_topic(self, topic: str) -> None:
        self._connections.subscribe(self._channels.topic(topic))

    async def wait_subscribed(self) -> None:
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
                await self._connections.wait_subscribed()
        except TimeoutError:
            metrics.count("bus_subscribe_timeouts")

    async def wait_published(self) -> None:
        if self._up:
            await self._connections.wait_confirmed()

    async def publish_confirmed(self, signal: Signal) -> bool:
        lost_before = self._connections.lost_count
        self.publish(signal)
        return (
            bool(self._up)
            and await self._connections.wait_confirmed()
            and self._connections.lost_count == lost_before
        )

    async def is_current(self, user_id: UUID) -> bool:
        return (
            bool(self._up)
            and user_id in self._user_subscriptions
            and await self._connections.is_current(self._channels.user(user_id))
        )

    def _on_connection_change(self) -> None:
        """Log once when Redis becomes unavailable, and once when it is available again."""
        up = self._connections.up
        if up == self._up or not (up or self._started):
            return
        seconds = round(clock.monotonic() - self._state_since, 1)
        self._state_since = clock.monotonic()
        if up:
            self._connected.set()
            if self._up is not None:
                log.info("redis is available again", extra={"away_s": seconds})
        else:
            log.warning(
                "redis is unavailable: entries of other instances are read from the database, once a second; "
                "presence and typing pause",
                extra={"reason": self._connections.last_error},
            )
        self._up = up
        if up:
            self._local.publish(SignalsLost())
