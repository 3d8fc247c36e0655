"""FAST PATH: what the others tell, heard through one connection that follows what is wanted here."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

from redis.asyncio import Connection

from hubbub.cluster.redis.probe import Probe
from hubbub.cluster.redis.reconnecting import FAILURES, ReconnectingConnection
from hubbub.core import clock, metrics, tasks

BREATH = 200  # messages between two breaths of the event loop
DEAF_S = 5.0


class Subscriber(ReconnectingConnection):
    """Subscribed to a set of channels that changes all the time; changes are sent in batches.

    `heartbeat` is a channel of this listener alone: it is up while it hears what is published there.
    """

    def __init__(
        self,
        heartbeat: bytes,
        dial: Callable[[], Awaitable[Connection]],
        on_change: Callable[[], None],
        hear: Callable[[bytes], None],
        probe: Probe,
        *,
        sharded: bool = False,
    ) -> None:
        super().__init__("listener", dial, on_change)
        self.heartbeat = heartbeat
        self._hear = hear
        self.probe = probe
        mark = "s" if sharded else ""
        self._words = (f"{mark}subscribe".upper(), f"{mark}unsubscribe".upper())
        self._message, self._confirmation = f"{mark}message".encode(), f"{mark}subscribe".encode()
        self._heard_at = 0.0
        self._wanted: set[bytes] = {heartbeat}
        self._active: set[bytes] = set()
        self._changed: set[bytes] = set()
        self._leaving: Counter[bytes] = Counter()  # unsubscribed, and not confirmed yet
        self._wake = asyncio.Event()
        # To know when all that was wanted at some moment is in force: wishes and confirmations are counted.
        self._wishes = 0
        self._sent = 0
        self._confirmed = 0
        self._marks: deque[tuple[int, int]] = deque()
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()

    def subscribe(self, channel: bytes) -> None:
        """Hear a channel, soon."""
        self._wanted.add(channel)
        self._change(channel)

    def unsubscribe(self, channel: bytes) -> None:
        """Hear it no more."""
        self._wanted.discard(channel)
        self._change(channel)

    def subscribe_only(self, channels: set[bytes]) -> None:
        """Hear these, and no others."""
        for channel in self._wanted - channels - {self.heartbeat}:
            self.unsubscribe(channel)
        for channel in channels - self._wanted:
            self.subscribe(channel)

    def lacks(self, channels: set[bytes]) -> bool:
        """Whether some of these are not wanted here yet."""
        return not channels <= self._wanted

    def _change(self, channel: bytes) -> None:
        self._wishes += 1
        self._changed.add(channel)
        self._wake.set()

    async def settled(self) -> None:
        """Wait until all that is wanted by now is in force. Returns at once while Redis is away."""
        if not self.up or (not self._marks and not self._changed):
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._wishes, done))
        await done

    @property
    def deaf(self) -> bool:
        """Whether the connection is there, and yet nothing was heard for too long."""
        return clock.monotonic() - max(self.since, self._heard_at) > DEAF_S

    async def _work(self, connection: Connection) -> None:
        self._active = set()
        self._leaving.clear()
        self._sent = self._confirmed = 0
        self._marks.clear()
        self._wanted.add(self.heartbeat)
        self._changed = set(self._wanted)
        self._wake.set()
        writing = tasks.spawn(self._subscribe(connection), name="redis subscriptions")
        try:
            await self._read(connection)
        finally:
            await tasks.stop(writing)
            while self._waiters:
                self._release(self._waiters.popleft()[1])

    async def _subscribe(self, connection: Connection) -> None:
        with suppress(*FAILURES):  # the reader sees that it is broken
            while True:
                await self._wake.wait()
                self._wake.clear()
                changed, self._changed = self._changed, set()
                new = [each for each in changed if each in self._wanted and each not in self._active]
                old = [each for each in changed if each not in self._wanted and each in self._active]
                self._active.difference_update(old)
                self._active.update(new)
                self._leaving.update(old)
                self._sent += len(new)
                self._marks.append((self._sent, self._wishes))
                self._settle()
                # A command for each channel: sharded channels of one command had to be of one slot.
                if commands := [*((self._words[0], it) for it in new), *((self._words[1], it) for it in old)]:
                    packed = connection.pack_commands(commands)
                    await connection.send_packed_command(packed, check_health=False)

    async def _read(self, connection: Connection) -> None:
        count = 0
        while True:
            kind, channel, payload = await connection.read_response(disable_decoding=True, timeout=math.inf)
            if kind == self._message:
                if channel == self.heartbeat:
                    self._heard_at = clock.monotonic()
                    self.probe.on_heartbeat(payload)
                else:
                    self._hear(payload)
            elif kind == self._confirmation:
                self._confirmed += 1
                self._settle()
            elif self._leaving[channel]:
                self._leaving.subtract((channel,))
                if not self._leaving[channel]:
                    del self._leaving[channel]
            else:
                return  # not asked for: its slot moved to another node
            count += 1
            if count % BREATH == 0:
                await asyncio.sleep(0)

    def _settle(self) -> None:
        mark = -1
        while self._marks and self._marks[0][0] <= self._confirmed:
            mark = self._marks.popleft()[1]
        if mark < 0:
            return
        self._set(up=True)
        while self._waiters and self._waiters[0][0] <= mark:
            self._release(self._waiters.popleft()[1])

    @staticmethod
    def _release(waiter: asyncio.Future[None]) -> None:
        if not waiter.done():
            waiter.set_result(None)


def check(listeners: Iterable[Subscriber]) -> None:
    """Replace those that are deaf."""
    for listener in listeners:
        if listener.deaf:
            metrics.count("bus_subscribers_replaced")
            listener.hang_up("nothing is heard through it")
