"""FAST PATH: publishes the messages of an instance, in order, through one connection."""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from redis.asyncio import Connection
from redis.exceptions import ReadOnlyError

from hubbub.cluster.redis.identity import REPLICA_ERROR, ROLE_COMMAND, is_replica, parse_role
from hubbub.cluster.redis.reconnecting import RESPONSE_TIMEOUT_S, ReconnectingConnection
from hubbub.core import clock, metrics

MAX_QUEUED_MESSAGES = 10_000
MAX_QUEUED_BYTES = 32 << 20
MAX_BATCH_MESSAGES = 500
CONFIRM_TIMEOUT_S = 0.1  # for a caller to wait until Redis confirms


class Publisher(ReconnectingConnection):
    """Sends in one batch the messages that were queued while the batch before it was confirmed.

    Drops and counts messages that cannot be sent.
    """

    def __init__(
        self,
        command: bytes,
        dial: Callable[[], Awaitable[Connection]],
        on_change: Callable[[], None],
    ) -> None:
        super().__init__("publisher", dial, on_change)
        self._command_head = b"*3\r\n$%d\r\n%b\r\n" % (len(command), command)  # PUBLISH or SPUBLISH in RESP
        self._queue: deque[bytes] = deque()  # encoded commands
        self._queued_bytes = 0  # size of `_queue`
        self._not_empty = asyncio.Event()  # set while commands are queued
        self._idle = asyncio.Event()  # set while nothing is queued or sent
        self._idle.set()
        # Commands and confirmations are counted, to detect when all commands up to one are confirmed.
        self._enqueued_count = 0  # commands
        self._confirmed_count = 0  # confirmations
        self.lost_count = 0  # messages that were dropped, or sent and not confirmed
        self._sending_since = math.inf  # monotonic time of the batch that is not confirmed
        self._confirm_waiters: deque[tuple[int, asyncio.Future[None]]] = deque()  # by `_enqueued_count`

    def enqueue(self, channel: bytes, payload: bytes) -> None:
        """Queue a message. It is dropped while Redis is unavailable, and while the queue is full."""
        if not self.up or len(self._queue) >= MAX_QUEUED_MESSAGES or self._queued_bytes >= MAX_QUEUED_BYTES:
            metrics.count("bus_signals_dropped")
            self.lost_count += 1
            return
        # Written as RESP here: three short strings need no packer.
        self._append(
            b"%b$%d\r\n%b\r\n$%d\r\n%b\r\n"
            % (self._command_head, len(channel), channel, len(payload), payload)
        )

    def request_role(self) -> None:
        """Query the role of the server. A server that became a replica accepts messages and delivers none."""
        if self.up and self.server.role:
            self._append(ROLE_COMMAND)

    def _append(self, command: bytes) -> None:
        self._queue.append(command)
        self._queued_bytes += len(command)
        self._enqueued_count += 1
        self._not_empty.set()
        self._idle.clear()

    async def wait_confirmed(self) -> bool:
        """Wait until Redis has confirmed the messages queued so far, at most 0.1 s.

        Returns False at once while Redis does not respond, and after that time. `lost_count` reports messages
        for which nothing waits any more.
        """
        if self._confirmed_count >= self._enqueued_count:
            return True
        if clock.monotonic() - self._sending_since > CONFIRM_TIMEOUT_S:
            return False
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._confirm_waiters.append((self._enqueued_count, future))
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                await future
                return True
        return False

    def _confirm(self, up_to: int) -> None:
        self._confirmed_count = up_to
        while self._confirm_waiters and self._confirm_waiters[0][0] <= up_to:
            future = self._confirm_waiters.popleft()[1]
            if not future.done():
                future.set_result(None)

    async def flush(self, timeout_s: float) -> None:
        """Wait until all messages are sent, at most `timeout_s`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    async def _use_connection(self, connection: Connection) -> None:
        async with asyncio.timeout(RESPONSE_TIMEOUT_S):
            await connection.send_command("PING", check_health=False)
            await connection.read_response(timeout=math.inf)
        self._set_state(up=True)
        try:
            while True:
                await self._not_empty.wait()
                batch = [self._queue.popleft() for _ in range(min(MAX_BATCH_MESSAGES, len(self._queue)))]
                self._queued_bytes -= sum(map(len, batch))
                await self._send(connection, batch)
                if not self._queue:
                    self._not_empty.clear()
                    self._idle.set()
        finally:
            metrics.count("bus_signals_dropped", by=len(self._queue))
            self.lost_count += self._enqueued_count - self._confirmed_count
            self._queue.clear()
            self._queued_bytes = 0
            self._not_empty.clear()
            self._idle.set()
            self._confirm(self._enqueued_count)  # do not wait for lost messages

    async def _send(self, connection: Connection, batch: list[bytes]) -> None:
        self._sending_since = clock.monotonic()
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                await connection.send_packed_command(b"".join(batch), check_health=False)
                for command in batch:
                    reply = await connection.read_response(disable_decoding=True, timeout=math.inf)
                    if command is ROLE_COMMAND and is_replica(parse_role(reply)):
                        raise ReadOnlyError(REPLICA_ERROR)
        finally:
            self._sending_since = math.inf
        self._confirm(self._confirmed_count + len(batch))
        metrics.counters["bus_signals_sent"] += len(batch)
