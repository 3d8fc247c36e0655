"""The conformance server in this process, and clients that control each byte."""

import asyncio
import base64
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.conformance.server import Running, arguments

WAIT_S = 10.0
OPEN_WRITERS: list[asyncio.StreamWriter] = []


class TcpClient:
    """A raw TCP connection."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def connect(self) -> "TcpClient":
        self.reader, self.writer = await asyncio.open_connection("localhost", self.port)
        OPEN_WRITERS.append(self.writer)
        return self

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read_response(self) -> tuple[int, dict[str, str], bytes]:
        """Read an HTTP response: status, headers, body."""
        async with asyncio.timeout(WAIT_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.split("\r\n")
            headers = {
                name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)
            }
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(first.split()[1]), headers, body

    def close(self) -> None:
        self.writer.close()


class WebSocketClient(TcpClient):
    """A WebSocket, frame by frame."""

    async def handshake(self, path: str = "/engine.io/", sid: str = "") -> "WebSocketClient":
        await self.connect()
        self.path = path
        key = base64.b64encode(os.urandom(16)).decode()
        query = "EIO=4&transport=websocket" + (f"&sid={sid}" if sid else "")
        self.send(
            f"GET {path}?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        async with asyncio.timeout(WAIT_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        self.status = int(head.split()[1])
        return self

    @staticmethod
    def frame(
        data: bytes,
        opcode: int = 0x81,
        *,
        masked: bool = True,
        length: int | None = None,
        key: bytes | None = None,
    ) -> bytes:
        size = len(data) if length is None else length
        bit = 0x80 if masked else 0
        if size < 126:
            head = bytes((opcode, bit | size))
        elif size < 65536:
            head = bytes((opcode, bit | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((opcode, bit | 127)) + size.to_bytes(8, "big")
        if not masked:
            return head + data
        key = os.urandom(4) if key is None else key
        if not any(key):
            return head + key + data
        repeated = (key * (len(data) // 4 + 1))[: len(data)]
        return head + key + (int.from_bytes(data) ^ int.from_bytes(repeated)).to_bytes(len(data))

    def send_text(self, text: str) -> None:
        self.send(self.frame(text.encode()))

    async def read_frame(self) -> tuple[int, bytes]:
        """First byte and payload of the next frame."""
        async with asyncio.timeout(WAIT_S):
            first, size = await self.reader.readexactly(2)
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            return first, await self.reader.readexactly(size)

    async def receive(self) -> Any:
        """Return the next message that is no ping. Pings get a pong. Raises EOFError at the end."""
        while True:
            first, data = await self.read_frame()
            if first == 0x88:
                raise EOFError(int.from_bytes(data[:2], "big"))
            if data == b"2" and first == 0x81:
                self.send_text("3")
                continue
            return data.decode() if first == 0x81 else data

    async def receive_until_close(self) -> list[str | bytes]:
        """All until the server closes."""
        messages = []
        try:
            while True:
                messages.append(await self.receive())
        except (EOFError, ConnectionError):
            return messages


class PollingClient:
    """A session by long-polling, a connection a request."""

    def __init__(self, port: int, path: str) -> None:
        self.port = port
        self.path = path
        self.sid = ""

    async def request(
        self, method: str, body: bytes = b"", query: str | None = None, head: str = ""
    ) -> tuple[int, dict[str, str], bytes]:
        connection = await TcpClient(self.port).connect()
        query = query if query is not None else f"EIO=4&transport=polling&sid={self.sid}"
        length = f"Content-Length: {len(body)}\r\n" if body or method == "POST" else ""
        connection.send(
            f"{method} {self.path}?{query} HTTP/1.1\r\nHost: x\r\n{length}{head}\r\n".encode() + body
        )
        try:
            return await connection.read_response()
        finally:
            connection.close()

    async def handshake(self) -> "PollingClient":
        status, _, body = await self.request("GET", query="EIO=4&transport=polling")
        assert status == 200
        self.handshake_data = json.loads(body[1:])
        self.sid = self.handshake_data["sid"]
        return self

    async def post_packets(self, *packets: str) -> tuple[int, bytes]:
        status, _, body = await self.request("POST", "\x1e".join(packets).encode())
        return status, body

    async def poll(self) -> tuple[int, list[str]]:
        status, _, body = await self.request("GET")
        return status, body.decode().split("\x1e")

    async def receive_packets(self, count: int) -> list[str]:
        """Return the next packets that are no pings. Pings get a pong."""
        received: list[str] = []
        while len(received) < count:
            status, packets = await self.poll()
            assert status == 200, packets
            for packet in packets:
                if packet == "2":
                    await self.post_packets("3")
                elif packet != "6":
                    received.append(packet)
        return received


StartServer = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[StartServer]:
    """Starts conformance servers with options of the command line."""
    running: list[Running] = []

    async def make(**options: object) -> Running:
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        running.append(await Running(arguments(["--port=0", *flags])).__aenter__())
        return running[-1]

    yield make
    while OPEN_WRITERS:
        OPEN_WRITERS.pop().close()
    for each in running:
        await each.__aexit__()


@pytest.fixture
async def server(start: StartServer) -> Running:
    """One with quiet heartbeats."""
    running: Running = await start(ping_interval_ms=25_000, ping_timeout_ms=20_000)
    return running
