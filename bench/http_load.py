"""A load generator for HTTP: connections that each send the next request when the response has arrived."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import uvloop

END_TIMEOUT_S = 30.0  # for the last responses


@dataclass(slots=True)
class Load:
    """What one run of the generator measured."""

    seconds: float
    statuses: Counter[int] = field(default_factory=Counter)  # of all responses
    latencies_s: list[float] = field(default_factory=list)
    body_bytes: int = 0

    @property
    def per_s(self) -> float:
        return self.statuses.total() / self.seconds

    def latency_ms(self, share: float) -> float:
        ordered = sorted(self.latencies_s)
        return ordered[int(share * (len(ordered) - 1))] * 1000


class _Connection(asyncio.Protocol):
    """One connection with one request in flight."""

    def __init__(self, load: Load, next_request: Callable[[], bytes | None], done: asyncio.Event) -> None:
        self._load = load
        self._next_request = next_request  # None: no more
        self._done = done  # set when the connection has ended
        self._buffer = bytearray()
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def _send(self) -> None:
        request = self._next_request()
        if request is None:
            self._transport.close()
            return
        self._sent_at = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        start = head.find(b"\r\ncontent-length:")
        length = int(head[start + 17 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        self._load.statuses[int(head[9:12])] += 1
        self._load.latencies_s.append(time.perf_counter() - self._sent_at)
        self._load.body_bytes += length
        self._buffer.clear()
        self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        self._done.set()


def get_request(path: str, headers: str = "") -> bytes:
    """Return the bytes of a GET. `headers` are further lines, each with its end."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{headers}\r\n".encode()


def run_load(port: int, next_request: Callable[[], bytes | None], connections: int, seconds: float) -> Load:
    """Send requests for some seconds, or until there are no more. Runs in an event loop of its own."""
    return uvloop.run(_run(port, next_request, connections, seconds))


async def _run(port: int, next_request: Callable[[], bytes | None], connections: int, seconds: float) -> Load:
    load = Load(seconds)
    loop = asyncio.get_running_loop()
    ends_at = time.perf_counter() + seconds

    def request_until_end() -> bytes | None:
        return next_request() if time.perf_counter() < ends_at else None

    ends = [asyncio.Event() for _ in range(connections)]
    for done in ends:
        await loop.create_connection(
            lambda done=done: _Connection(load, request_until_end, done),  # type: ignore[misc]
            "127.0.0.1",
            port,
        )
    async with asyncio.timeout(seconds + END_TIMEOUT_S):
        for done in ends:
            await done.wait()
    return load
