"""The bus of several instances: Redis pub/sub, a channel a room and a user, heard only where they are."""

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
from hubbub.cluster.redis.codec import ORIGIN, Channels, Statuses, decoder, encode
from hubbub.cluster.redis.node_connections import NodeConnections
from hubbub.cluster.redis.topology import Topology
from hubbub.core import clock, metrics

if TYPE_CHECKING:
    from hubbub.cluster.redis.presence_batch import Changes

log = logging.getLogger(__name__)

START_S = 2.0
SETTLE_S = 1.0
FLUSH_S = 1.0


class RedisBus:
    """Own signals are heard here at once; what Redis brings back of them is passed over."""

    def __init__(self, servers: Topology, prefix: str) -> None:
        self._origin = secrets.token_bytes(ORIGIN)
        self._channels = Channels(prefix)
        self._local = MemoryBus()
        self._lanes = NodeConnections(
            servers, self._channels.own(self._origin.hex()), self._changed, self._hear
        )
        self._users: Counter[UUID] = Counter()
        self._outgoing = presence_batch.PresenceBatch(self._tell)
        self._incoming = presence_batch.PresenceBatch(self._heard)
        self._decoder: msgspec.msgpack.Decoder[Signal] | None = None
        self._up: bool | None = None
        self._started = False
        self._since = clock.monotonic()
        self._settled = asyncio.Event()
        metrics.gauge("redis_up", lambda: float(bool(self._up)))

    async def start(self) -> None:
        self._lanes.start()
        try:
            async with asyncio.timeout(START_S):
                await self._settled.wait()
        except TimeoutError:
            pass
        self._started = True
        self._changed()

    async def close(self) -> None:
        self._outgoing.empty()
        await self._lanes.close(FLUSH_S)

    def state(self) -> str | None:
        return "ok" if self._up else "unavailable"

    def publish(self, signal: Signal) -> None:
        self._local.publish(signal)
        if isinstance(signal, PresenceChanged):
            self._outgoing.add(signal.user_id, signal.status, signal.last_seen_at, signal.room_ids)
        else:
            self._send(self._channels.of(signal), signal)

    def _send(self, channel: bytes, signal: Signal) -> None:
        try:
            self._lanes.put(channel, self._origin + encode(signal))
        except Exception:
            metrics.count("bus_signals_dropped")
            log.exception("a signal could not be sent", extra={"signal": type(signal).__name__})

    def _tell(self, changes: "Changes") -> None:
        for signal in presence_batch.by_room(changes):
            self._send(self._channels.of(signal), signal)
        for user_id, signal in presence_batch.by_user(changes):
            self._send(self._channels.user(user_id), signal)

    # What comes.

    def listen(self, handler: Callable[[Signal], None]) -> None:
        self._local.listen(handler)

    def _hear(self, message: bytes) -> None:
        if message.startswith(self._origin):
            return
        metrics.counters["bus_signals_received"] += 1
        if self._decoder is None:
            self._decoder = decoder()
        try:
            signal = self._decoder.decode(memoryview(message)[ORIGIN:])
        except msgspec.MsgspecError:  # of a newer version, perhaps
            metrics.count("bus_signals_undecodable")
            return
        if isinstance(signal, Statuses):
            rooms = () if signal.room_id is None else (signal.room_id,)
            for user_id, status, last_seen_at in signal.changes:
                self._incoming.add(user_id, status, last_seen_at, rooms)
        else:
            self._local.publish(signal)

    def _heard(self, changes: "Changes") -> None:
        for signal in presence_batch.signals(changes):
            self._local.publish(signal)

    # What is followed.

    def follow(self, room_id: UUID) -> None:
        self._lanes.subscribe(self._channels.room(room_id))

    def unfollow(self, room_id: UUID) -> None:
        self._lanes.unsubscribe(self._channels.room(room_id))

    def follow_user(self, user_id: UUID) -> None:
        self._users[user_id] += 1
        if self._users[user_id] == 1:
            self._lanes.subscribe(self._channels.user(user_id))

    def unfollow_user(self, user_id: UUID) -> None:
        self._users[user_id] -= 1
        if self._users[user_id] <= 0:
            del self._users[user_id]
            self._lanes.unsubscribe(self._channels.user(user_id))

    def follow_topic(self, topic: str) -> None:
        self._lanes.subscribe(self._channels.topic(topic))

    async def settled(self) -> None:
        try:
            async with asyncio.timeout(SETTLE_S):
                await self._lanes.settled()
        except TimeoutError:
            metrics.count("bus_subscribe_timeouts")

    async def flushed(self) -> None:
        if self._up:
            await self._lanes.confirmed()

    async def current(self, user_id: UUID) -> bool:
        return (
            bool(self._up)
            and user_id in self._users
            and await self._lanes.current(self._channels.user(user_id))
        )

    def _changed(self) -> None:
        """Say so when Redis goes and comes, once each."""
        up = self._lanes.up
        if up == self._up or not (up or self._started):
            return
        seconds = round(clock.monotonic() - self._since, 1)
        self._since = clock.monotonic()
        if up:
            self._settled.set()
            if self._up is not None:
                log.info("redis is back", extra={"away_s": seconds})
        else:
            log.warning(
                "redis is away: entries of other instances are found in the database, once a second; "
                "presence and typing pause",
                extra={"reason": self._lanes.trouble},
            )
        self._up = up
        if up:
            self._local.publish(SignalsLost())
