"""FAST PATH: what an instance tells the others, in order, through one connection."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Connection
from redis.exceptions import ReadOnlyError

from hubbub.cluster.redis.identity import REPLICA, ROLE, is_replica, role_of
from hubbub.cluster.redis.reconnecting import ANSWER_S, ReconnectingConnection
from hubbub.core import clock, metrics

WAITING = 10_000  # messages
WAITING_BYTES = 32 << 20
BATCH = 500
CONFIRM_S = 0.1  # that a caller waits for Redis to confirm


class Publisher(ReconnectingConnection):
    """Sends whatever came while the batch before it was answered; drops and counts what can't be carried."""

    def __init__(
        self,
        word: bytes,
        dial: Callable[[], Awaitable[Connection]],
        on_change: Callable[[], None],
    ) -> None:
        super().__init__("publisher", dial, on_change)
        self._head = b"*3\r\n$%d\r\n%b\r\n" % (len(word), word)
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._some = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        # To know when all that was put by some moment has arrived: messages and confirmations are counted.
        self._put = 0
        self._confirmed = 0
        self._sending_since = math.inf
        self._waiters: deque[tuple[int, asyncio.Future[None]]] = deque()

    def put(self, channel: bytes, payload: bytes) -> None:
        """Queue a message; it is dropped while Redis is away, and when too much waits."""
        if not self.up or len(self._waiting) >= WAITING or self._bytes >= WAITING_BYTES:
            metrics.count("bus_signals_dropped")
            return
        # RESP by hand: three short strings need no packer.
        self._queue(
            b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" % (self._head, len(channel), channel, len(payload), payload)
        )

    def ask_role(self) -> None:
        """Find out whether the server became a replica: it accepts messages then, and passes none on."""
        if self.up and self.server.role:
            self._queue(ROLE)

    def _queue(self, command: bytes) -> None:
        self._waiting.append(command)
        self._bytes += len(command)
        self._put += 1
        self._some.set()
        self._idle.clear()

    async def confirmed(self) -> None:
        """Wait until Redis has confirmed what was put by now: at most 0.1 s, and not while it is silent."""
        if self._confirmed >= self._put or clock.monotonic() - self._sending_since > CONFIRM_S:
            return
        confirmed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append((self._put, confirmed))
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_S):
                await confirmed

    def _confirm(self, up_to: int) -> None:
        self._confirmed = up_to
        while self._waiters and self._waiters[0][0] <= up_to:
            confirmed = self._waiters.popleft()[1]
            if not confirmed.done():
                confirmed.set_result(None)

    async def flush(self, seconds: float) -> None:
        """Wait until all is sent, for that long at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def _work(self, connection: Connection) -> None:
        async with asyncio.timeout(ANSWER_S):
            await connection.send_command("PING", check_health=False)
            await connection.read_response(timeout=math.inf)
        self._set(up=True)
        try:
            while True:
                await self._some.wait()
                batch = [self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]
                self._bytes -= sum(map(len, batch))
                await self._send(connection, batch)
                if not self._waiting:
                    self._some.clear()
                    self._idle.set()
        finally:
            metrics.count("bus_signals_dropped", by=len(self._waiting))
            self._waiting.clear()
            self._bytes = 0
            self._some.clear()
            self._idle.set()
            self._confirm(self._put)  # what is lost is not waited for

    async def _send(self, connection: Connection, batch: list[bytes]) -> None:
        self._sending_since = clock.monotonic()
        try:
            async with asyncio.timeout(ANSWER_S):
                await connection.send_packed_command(b"".join(batch), check_health=False)
                for command in batch:
                    reply = await connection.read_response(disable_decoding=True, timeout=math.inf)
                    if command is ROLE and is_replica(role_of(reply)):
                        raise ReadOnlyError(REPLICA)
        finally:
            self._sending_since = math.inf
        self._confirm(self._confirmed + len(batch))
        metrics.counters["bus_signals_sent"] += len(batch)
