"""FAST PATH: what an instance tells the others, in order, through one connection."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Connection

from hubbub.cluster.redis.line import ANSWER_S, Line
from hubbub.core import metrics

WAITING = 10_000  # messages
WAITING_BYTES = 32 << 20
BATCH = 500


class Publisher(Line):
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

    def put(self, channel: bytes, payload: bytes) -> None:
        """Queue a message; it is dropped while Redis is away, and when too much waits."""
        if not self.up or len(self._waiting) >= WAITING or self._bytes >= WAITING_BYTES:
            metrics.count("bus_signals_dropped")
            return
        # RESP by hand: three short strings need no packer.
        command = b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n" % (self._head, len(channel), channel, len(payload), payload)
        self._waiting.append(command)
        self._bytes += len(command)
        self._some.set()
        self._idle.clear()

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

    async def _send(self, connection: Connection, batch: list[bytes]) -> None:
        async with asyncio.timeout(ANSWER_S):
            await connection.send_packed_command(b"".join(batch), check_health=False)
            for _ in batch:
                await connection.read_response(disable_decoding=True, timeout=math.inf)
        metrics.counters["bus_signals_sent"] += len(batch)
