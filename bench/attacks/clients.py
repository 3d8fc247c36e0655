"""Honest clients: chat over WebSockets, REST requests and new connections, each on its own schedule.

A latency counts from the scheduled time, so that a stall counts for all operations that it delays.
"""

import asyncio
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.attacks import wire

HOST = "127.0.0.1"
RESPONSE_TIMEOUT_S = 20.0  # until a response counts as missing
MAX_PENDING_ACKS = 20  # of one client; further messages are not sent, so that no limit is exceeded
SENT_AT_PATTERN = re.compile(rb'"body":"at ([\d.]+)"')
ACK_PATTERN = re.compile(rb"43/chat,(\d+)\[(.{0,300})", re.DOTALL)

Sample = tuple[float, float]  # scheduled time and latency, in seconds


class Samples:
    """Latencies and failures of the honest clients."""

    def __init__(self) -> None:
        self.by_kind: dict[str, list[Sample]] = {
            kind: [] for kind in ("ack", "delivery", "rest", "connect", "page")
        }
        self.failures: Counter[str] = Counter()
        self.expected_deliveries = 0  # deliveries of acknowledged messages

    def add(self, kind: str, scheduled_at: float) -> None:
        """Add a latency that ends now."""
        self.by_kind[kind].append((scheduled_at, time.monotonic() - scheduled_at))


class ChatClient(asyncio.Protocol):
    """A WebSocket that is accepted on /chat."""

    def __init__(self, token: str, samples: Samples) -> None:
        self.token = token
        self.samples = samples
        self.ready = asyncio.get_running_loop().create_future()
        self.pending: dict[int, float] = {}
        self.closing = False
        self.room_size = 0
        self._last_ack_id = 0
        self._buffer = bytearray()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(wire.websocket_handshake())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before ready"))
            self.ready.exception()
        if not self.closing:
            self.samples.failures["disconnected"] += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._upgraded:
            head, separator, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in head[:20]:
                self.fail(f"handshake {head[9:12].decode()}")
                return
            self._upgraded = True
            self._buffer = bytearray(rest)
            self.transport.write(wire.frame(wire.connect_packet(self.token)))
        self._parse_frames()

    def _parse_frames(self) -> None:
        data, at = self._buffer, 0
        while len(data) >= at + 2:
            opcode, size, begin = data[at] & 15, data[at + 1], at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                if len(data) < begin + width:
                    break
                size = int.from_bytes(data[begin : begin + width], "big")
                begin += width
            if len(data) < begin + size:
                break
            at = begin + size
            self._on_frame(opcode, bytes(data[begin:at]))
        del data[:at]

    def _on_frame(self, opcode: int, data: bytes) -> None:
        if opcode == wire.PING:
            self.transport.write(wire.frame(data, wire.PONG))
        elif data == b"2":
            self.transport.write(wire.frame("3"))
        elif data.startswith(b"43/chat,"):
            self._on_ack(data)
        elif data.startswith(b'42/chat,["message:new"'):
            self.on_message_new(data)
        elif data.startswith(b'42/chat,["ready"'):
            if not self.ready.done():
                self.ready.set_result(None)
        elif data.startswith(b"44/chat"):
            self.fail("refused " + data[8:100].decode(errors="replace"))
        elif data.startswith(b'42/chat,["closing"'):
            self.samples.failures["closing " + data[19:60].decode(errors="replace")] += 1

    def on_message_new(self, data: bytes) -> None:
        """Count the latency of a message."""
        if match := SENT_AT_PATTERN.search(data):
            self.samples.add("delivery", float(match[1]))

    def _on_ack(self, data: bytes) -> None:
        match = ACK_PATTERN.match(data)
        sent_at = self.pending.pop(int(match[1]), None) if match else None
        if match is None or sent_at is None:
            return
        if match[2].startswith(b'{"ok":true'):
            self.samples.add("ack", sent_at)
            self.samples.expected_deliveries += self.room_size
        else:
            code = re.search(rb'"code":"(\w+)"', match[2])
            self.samples.failures["send " + (code[1].decode() if code else "?")] += 1

    def fail(self, reason: str) -> None:
        """Count a refusal, and close."""
        self.samples.failures[reason] += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(reason))
            self.ready.exception()
        self.close()

    def close(self) -> None:
        """Close without counting a failure."""
        self.closing = True
        self.transport.abort()

    def send(self, room_id: str, scheduled_at: float | None = None) -> None:
        """Send a message whose body is the time at which it was scheduled: now, if it has none."""
        now = time.monotonic() if scheduled_at is None else scheduled_at
        if self.transport.is_closing():
            return
        if len(self.pending) >= MAX_PENDING_ACKS:  # a stall: as late as the oldest pending message
            self.samples.by_kind["ack"].append((now, time.monotonic() - min(self.pending.values())))
            return
        self._last_ack_id += 1
        self.pending[self._last_ack_id] = now
        payload = {"room_id": room_id, "client_id": str(uuid.uuid4()), "body": f"at {now:.6f}"}
        self.transport.write(wire.frame(wire.event_packet("message:send", payload, self._last_ack_id)))


async def connect_chat(port: int, source: str, token: str, samples: Samples) -> ChatClient:
    """Connect a client and wait for `ready`. Raises OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        lambda: ChatClient(token, samples), HOST, port, local_addr=(source, 0)
    )
    try:
        await asyncio.wait_for(protocol.ready, RESPONSE_TIMEOUT_S)
    except BaseException:
        protocol.close()
        raise
    return protocol


class RestClient:
    """A keep-alive connection that sends the same small request repeatedly: of a kind of `Samples`."""

    def __init__(
        self, port: int, source_ip: str, request: bytes, samples: Samples, kind: str = "rest"
    ) -> None:
        self.port = port
        self.source_ip = source_ip
        self.samples = samples
        self.kind = kind
        self.request = request
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def get(self, scheduled_at: float) -> None:
        """Send one request, scheduled at that time."""
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_S):
                status = await self._request_status()
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.samples.failures[f"{self.kind} {type(error).__name__}"] += 1
            self.close()
        else:
            if status != 200:
                self.samples.failures[f"{self.kind} {status}"] += 1
        self.samples.add(self.kind, scheduled_at)

    async def _request_status(self) -> int:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(
                HOST, self.port, local_addr=(self.source_ip, 0)
            )
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await self.reader.readexactly(int(length[1]) if length else 0)
        if b"onnection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Close the connection. The next request opens another one."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


async def measure_connect(port: int, source: str, token: str, samples: Samples, scheduled_at: float) -> None:
    """Measure a new connection from the handshake to `ready`, then close it."""
    try:
        client = await connect_chat(port, source, token, samples)
    except (OSError, TimeoutError) as error:
        if isinstance(error, TimeoutError):
            samples.failures["connect TimeoutError"] += 1
    else:
        client.close()
    samples.add("connect", scheduled_at)


async def run_on_schedule(begin: float, end: float, period: float, action: Callable[[float], Any]) -> None:
    """Call `act` with the scheduled time, every `period` seconds. Awaits a coroutine."""
    scheduled_at = begin
    while scheduled_at < end:
        if (delay := scheduled_at - time.monotonic()) > 0:
            await asyncio.sleep(delay)
        if (result := action(scheduled_at)) is not None:
            await result
        scheduled_at += period
