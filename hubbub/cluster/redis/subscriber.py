"""FAST PATH: receives the messages of subscribed channels through one connection."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from redis.asyncio import Connection

from hubbub.cluster.redis.probe import Probe
from hubbub.cluster.redis.reconnecting import REDIS_ERRORS, ReconnectingConnection
from hubbub.core import clock, metrics, tasks

MESSAGES_PER_YIELD = 200  # messages after which other tasks of the event loop run
STALE_AFTER_S = 5.0  # without a heartbeat, after which the connection is replaced


class Subscriber(ReconnectingConnection):
    """Subscribes to a set of channels that changes continually. Changes are sent in batches.

    Only this subscriber uses `heartbeat_channel`. It works while it receives what is published there.
    """

    def __init__(
        self,
        heartbeat_channel: bytes,
        dial: Callable[[], Awaitable[Connection]],
        on_change: Callable[[], None],
        on_message: Callable[[bytes], None],
        probe: Probe,
        *,
        sharded: bool = False,
    ) -> None:
        super().__init__("listener", dial, on_change)
        self.heartbeat_channel = heartbeat_channel  # a channel that no other subscriber uses
        self._on_message = on_message  # called for each message, except heartbeats
        self.probe = probe  # gets the messages of the heartbeat channel
        prefix = "s" if sharded else ""
        self._subscribe_command = f"{prefix}subscribe".upper()
        self._unsubscribe_command = f"{prefix}unsubscribe".upper()
        self._message_type = f"{prefix}message".encode()
        self._confirmation_type = f"{prefix}subscribe".encode()
        self._heartbeat_at = 0.0  # monotonic time of the last heartbeat
        self._desired: set[bytes] = {heartbeat_channel}  # channels to be subscribed
        self._subscribed: set[bytes] = set()  # channels whose SUBSCRIBE was sent
        self._changed_channels: set[bytes] = set()  # channels that may differ between the two
        self._unsubscribing: Counter[bytes] = Counter()  # UNSUBSCRIBEs that are not confirmed yet
        self._wake = asyncio.Event()  # set when there are changed channels
        # Changes and confirmations are counted, to detect when all changes up to one are in effect.
        self._change_count = 0  # calls of `subscribe` and `unsubscribe`
        self._sent_count = 0  # SUBSCRIBEs that were sent
        self._confirmed_count = 0  # SUBSCRIBEs that were confirmed
        self._checkpoints: deque[tuple[int, int]] = deque()  # `_sent_count` and `_change_count` of each batch
        self._subscribe_waiters: deque[tuple[int, asyncio.Future[None]]] = deque()  # by `_change_count`

    def subscribe(self, channel: bytes) -> None:
        """Subscribe to a channel, soon."""
        self._desired.add(channel)
        self._mark_changed(channel)

    def unsubscribe(self, channel: bytes) -> None:
        """Unsubscribe from a channel, soon."""
        self._desired.discard(channel)
        self._mark_changed(channel)

    def subscribe_only(self, channels: set[bytes]) -> None:
        """Subscribe to these channels, and unsubscribe from all others."""
        for channel in self._desired - channels - {self.heartbeat_channel}:
            self.unsubscribe(channel)
        for channel in channels - self._desired:
            self.subscribe(channel)

    def is_missing(self, channels: set[bytes]) -> bool:
        """Return whether some of these channels are not desired yet."""
        return not channels <= self._desired

    def _mark_changed(self, channel: bytes) -> None:
        self._change_count += 1
        self._changed_channels.add(channel)
        self._wake.set()

    async def wait_subscribed(self) -> None:
        """Wait until the changes made so far are in effect. Returns at once while Redis is unavailable."""
        if not self.up or (not self._checkpoints and not self._changed_channels):
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._subscribe_waiters.append((self._change_count, future))
        await future

    @property
    def stale(self) -> bool:
        """Whether no heartbeat was received for STALE_AFTER_S."""
        return clock.monotonic() - max(self.started_at, self._heartbeat_at) > STALE_AFTER_S

    async def _use_connection(self, connection: Connection) -> None:
        self._subscribed = set()
        self._unsubscribing.clear()
        self._sent_count = self._confirmed_count = 0
        self._checkpoints.clear()
        self._desired.add(self.heartbeat_channel)
        self._changed_channels = set(self._desired)
        self._wake.set()
        writer = tasks.spawn(self._send_changes(connection), name="redis subscriptions")
        try:
            await self._read(connection)
        finally:
            await tasks.stop(writer)
            while self._subscribe_waiters:
                self._resolve(self._subscribe_waiters.popleft()[1])

    async def _send_changes(self, connection: Connection) -> None:
        with suppress(*REDIS_ERRORS):  # the reader detects that the connection is broken
            while True:
                await self._wake.wait()
                self._wake.clear()
                changed, self._changed_channels = self._changed_channels, set()
                added = [each for each in changed if each in self._desired and each not in self._subscribed]
                removed = [each for each in changed if each not in self._desired and each in self._subscribed]
                self._subscribed.difference_update(removed)
                self._subscribed.update(added)
                self._unsubscribing.update(removed)
                self._sent_count += len(added)
                self._checkpoints.append((self._sent_count, self._change_count))
                self._on_confirmed()
                # A command for each channel: sharded channels of one command must be in one slot.
                commands = [(self._subscribe_command, each) for each in added]
                commands += [(self._unsubscribe_command, each) for each in removed]
                if commands:
                    packed = connection.pack_commands(commands)
                    await connection.send_packed_command(packed, check_health=False)

    async def _read(self, connection: Connection) -> None:
        count = 0
        while True:
            kind, channel, payload = await connection.read_response(disable_decoding=True, timeout=math.inf)
            if kind == self._message_type:
                if channel == self.heartbeat_channel:
                    self._heartbeat_at = clock.monotonic()
                    self.probe.on_heartbeat(payload)
                else:
                    self._on_message(payload)
            elif kind == self._confirmation_type:
                self._confirmed_count += 1
                self._on_confirmed()
            elif self._unsubscribing[channel]:
                self._unsubscribing.subtract((channel,))
                if not self._unsubscribing[channel]:
                    del self._unsubscribing[channel]
            else:
                return  # not requested: its slot moved to another node
            count += 1
            if count % MESSAGES_PER_YIELD == 0:
                await asyncio.sleep(0)

    def _on_confirmed(self) -> None:
        checkpoint = -1
        while self._checkpoints and self._checkpoints[0][0] <= self._confirmed_count:
            checkpoint = self._checkpoints.popleft()[1]
        if checkpoint < 0:
            return
        self._set_state(up=True)
        while self._subscribe_waiters and self._subscribe_waiters[0][0] <= checkpoint:
            self._resolve(self._subscribe_waiters.popleft()[1])

    @staticmethod
    def _resolve(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)


def reconnect_stale(subscribers: Iterable[Subscriber]) -> None:
    """Replace the connections of subscribers that receive no heartbeats."""
    for subscriber in subscribers:
        if subscriber.stale:
            metrics.count("bus_subscribers_replaced")
            subscriber.reconnect("no heartbeat")
