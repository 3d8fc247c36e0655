"""Honest clients: chat over WebSockets, REST requests and new connections, each on a schedule of its own.

A latency counts from the time at which the schedule wanted it, so that a stall counts for all that it delays.
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
WAIT_S = 20.0  # that an answer may take before it counts as missing
PENDING = 20  # messages of one client that wait for their ack; more are not sent, so that no limit is met
SENT_AT = re.compile(rb'"body":"at ([\d.]+)"')
NUMBER = re.compile(rb"43/chat,(\d+)\[(.{0,300})", re.DOTALL)

Sample = tuple[float, float]  # when it was wanted, and how long it took, in seconds


class Samples:
    """What honest clients saw."""

    def __init__(self) -> None:
        self.of: dict[str, list[Sample]] = {"ack": [], "delivery": [], "rest": [], "connect": []}
        self.wrong: Counter[str] = Counter()
        self.expected = 0  # deliveries of acknowledged messages

    def add(self, kind: str, wanted: float) -> None:
        """One latency that ends now."""
        self.of[kind].append((wanted, time.monotonic() - wanted))


class Chat(asyncio.Protocol):
    """A WebSocket that is accepted on /chat."""

    def __init__(self, token: str, samples: Samples) -> None:
        self.token = token
        self.samples = samples
        self.ready = asyncio.get_running_loop().create_future()
        self.pending: dict[int, float] = {}
        self.leaving = False
        self.members = 0
        self._numbers = 0
        self._data = bytearray()
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(wire.upgrade())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("closed before ready"))
            self.ready.exception()
        if not self.leaving:
            self.samples.wrong["disconnected"] += 1

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._upgraded:
            head, separator, rest = bytes(self._data).partition(b"\r\n\r\n")
            if not separator:
                return
            if b" 101 " not in head[:20]:
                self.fail(f"handshake {head[9:12].decode()}")
                return
            self._upgraded = True
            self._data = bytearray(rest)
            self.transport.write(wire.frame(wire.connect(self.token)))
        self._frames()

    def _frames(self) -> None:
        data, at = self._data, 0
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
            self._frame(opcode, bytes(data[begin:at]))
        del data[:at]

    def _frame(self, opcode: int, data: bytes) -> None:
        if opcode == wire.PING:
            self.transport.write(wire.frame(data, wire.PONG))
        elif data == b"2":
            self.transport.write(wire.frame("3"))
        elif data.startswith(b"43/chat,"):
            self._ack(data)
        elif data.startswith(b'42/chat,["message:new"'):
            if found := SENT_AT.search(data):
                self.samples.add("delivery", float(found[1]))
        elif data.startswith(b'42/chat,["ready"'):
            if not self.ready.done():
                self.ready.set_result(None)
        elif data.startswith(b"44/chat"):
            self.fail("refused " + data[8:100].decode(errors="replace"))
        elif data.startswith(b'42/chat,["closing"'):
            self.samples.wrong["closing " + data[19:60].decode(errors="replace")] += 1

    def _ack(self, data: bytes) -> None:
        found = NUMBER.match(data)
        wanted = self.pending.pop(int(found[1]), None) if found else None
        if found is None or wanted is None:
            return
        if found[2].startswith(b'{"ok":true'):
            self.samples.add("ack", wanted)
            self.samples.expected += self.members
        else:
            code = re.search(rb'"code":"(\w+)"', found[2])
            self.samples.wrong["send " + (code[1].decode() if code else "?")] += 1

    def fail(self, why: str) -> None:
        """Note a refusal, and close."""
        self.samples.wrong[why] += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))
            self.ready.exception()
        self.leave()

    def leave(self) -> None:
        """Close without another word."""
        self.leaving = True
        self.transport.abort()

    def send(self, room_id: str) -> None:
        """A message whose body is the time."""
        now = time.monotonic()
        if self.transport.is_closing():
            return
        if len(self.pending) >= PENDING:  # a stall: as late as the first that waits
            self.samples.of["ack"].append((now, now - min(self.pending.values())))
            return
        self._numbers += 1
        self.pending[self._numbers] = now
        payload = {"room_id": room_id, "client_id": str(uuid.uuid4()), "body": f"at {now:.6f}"}
        self.transport.write(wire.frame(wire.event("message:send", payload, self._numbers)))


async def chat(port: int, source: str, token: str, samples: Samples) -> Chat:
    """A client that is ready. Raises OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(
        lambda: Chat(token, samples), HOST, port, local_addr=(source, 0)
    )
    try:
        await asyncio.wait_for(protocol.ready, WAIT_S)
    except BaseException:
        protocol.leave()
        raise
    return protocol


class Rest:
    """A keep-alive connection that gets one small thing again and again."""

    def __init__(self, port: int, source: str, token: str, samples: Samples) -> None:
        self.port = port
        self.source = source
        self.samples = samples
        self.request = wire.api("GET", "/auth/me", token)
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def get(self, wanted: float) -> None:
        """One request, wanted at that time."""
        try:
            async with asyncio.timeout(WAIT_S):
                status = await self._status()
        except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.samples.wrong[f"rest {type(error).__name__}"] += 1
            self.close()
        else:
            if status != 200:
                self.samples.wrong[f"rest {status}"] += 1
        self.samples.add("rest", wanted)

    async def _status(self) -> int:
        if self.reader is None or self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(
                HOST, self.port, local_addr=(self.source, 0)
            )
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        await self.reader.readexactly(int(length[1]) if length else 0)
        if b"onnection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        """Close; the next request opens another one."""
        if self.writer is not None:
            self.writer.transport.abort()
        self.reader = self.writer = None


async def connect(port: int, source: str, token: str, samples: Samples, wanted: float) -> None:
    """A new connection from the handshake to `ready`, which is then closed."""
    try:
        client = await chat(port, source, token, samples)
    except (OSError, TimeoutError) as error:
        if isinstance(error, TimeoutError):
            samples.wrong["connect TimeoutError"] += 1
    else:
        client.leave()
    samples.add("connect", wanted)


async def on_schedule(begin: float, end: float, period: float, act: Callable[[float], Any]) -> None:
    """Call `act` with the time it was wanted at, every `period`; a coroutine is waited for."""
    wanted = begin
    while wanted < end:
        if (early := wanted - time.monotonic()) > 0:
            await asyncio.sleep(early)
        if (result := act(wanted)) is not None:
            await result
        wanted += period
