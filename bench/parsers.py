"""CPU time of a WebSocket message from the socket to a handler, by frame parser.

    python -m bench.parsers

A thread sends masked text messages as fast as they are read. The CPU time of the event loop's thread is
measured, system calls included. picows and websockets are measured if they are installed. hubbub needs
neither.
"""

import asyncio
import contextlib
import os
import platform
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version

from aiohttp import web

from hubbub.realtime.engine import Engine

CASES = ((100, 200_000, "in a row"), (10_000, 20_000, "in a row"), (100, 10_000, "one by one"))
ROUNDS = 5
PATH = "/engine.io/?EIO=4&transport=websocket"
OnMessage = Callable[[], None]
RunServer = Callable[[OnMessage], AbstractAsyncContextManager[int]]


class _CountingHandler:
    """Counts the messages of a session."""

    def __init__(self, on_message: OnMessage) -> None:
        self._on_message = on_message

    def on_opened(self, session: object, request: object) -> None:
        pass

    def on_message(self, _session: object, _data: str | bytes) -> None:
        self._on_message()

    def on_closed(self, session: object, reason: str) -> None:
        pass

    def on_protocol_error(self, session: object) -> None:
        pass

    def on_flooding(self, session: object) -> None:
        pass


@asynccontextmanager
async def _run_app(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def run_hubbub(on_message: OnMessage) -> AsyncIterator[int]:
    engine = Engine(ping_interval=1000, max_http_buffer_size=1 << 20)
    engine.session_handler = _CountingHandler(on_message)
    app = web.Application()
    engine.attach(app)
    async with _run_app(app) as port:
        yield port


@asynccontextmanager
async def run_aiohttp(on_message: OnMessage) -> AsyncIterator[int]:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        async for _ in ws:
            on_message()
        return ws

    app = web.Application()
    app.router.add_get("/engine.io/", serve)
    async with _run_app(app) as port:
        yield port


@asynccontextmanager
async def run_websockets(on_message: OnMessage) -> AsyncIterator[int]:
    from websockets.asyncio.server import ServerConnection, serve

    async def handle(ws: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            async for _ in ws:
                on_message()

    async with serve(
        handle, "127.0.0.1", 0, compression=None, ping_interval=None, max_size=1 << 20
    ) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def run_picows(on_message: OnMessage) -> AsyncIterator[int]:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    class Listener(WSListener):
        def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                frame.get_payload_as_utf8_text()
                on_message()

    server = await ws_create_server(lambda _: Listener(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


class _Progress:
    """The number of received messages, and the CPU time of the loop at the first one."""

    received = 0
    started_at = 0.0


def _send_messages(
    port: int, frame: bytes, count: int, progress: _Progress | None, finished: threading.Event
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        connection.sendall((head + key).encode())
        while b"\r\n\r\n" not in connection.recv(4096):
            pass
        if progress is None:
            connection.sendall(frame * count)
        else:
            for each in range(count):
                connection.sendall(frame)
                while progress.received <= each:
                    time.sleep(0)
        finished.wait()


def _text_frame(size: int) -> bytes:
    key = os.urandom(4)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    payload = bytes(byte ^ key[at % 4] for at, byte in enumerate(b"4" + b"x" * (size - 1)))
    return b"\x81" + length + key + payload


async def measure(run_server: RunServer, size: int, messages: int, pacing: str) -> float:
    """Return the CPU time of the loop's thread per message, in microseconds."""
    loop = asyncio.get_running_loop()
    all_received, finished = asyncio.Event(), threading.Event()
    progress = _Progress()

    def on_message() -> None:
        if not progress.received:
            progress.started_at = time.thread_time()
        progress.received += 1
        if progress.received == messages:
            all_received.set()

    async with run_server(on_message) as port:
        awaited_progress = progress if pacing == "one by one" else None
        sender = loop.run_in_executor(
            None, _send_messages, port, _text_frame(size), messages, awaited_progress, finished
        )
        await asyncio.wait_for(all_received.wait(), 120)
        cpu_s = time.thread_time() - progress.started_at
        finished.set()
        await sender
    return cpu_s / messages * 1e6


async def main() -> None:
    servers: dict[str, RunServer] = {
        "hubbub": run_hubbub,
        "aiohttp": run_aiohttp,
        "websockets": run_websockets,
        "picows": run_picows,
    }
    print(
        f"Python {platform.python_version()}, {type(asyncio.get_running_loop()).__module__}, best of {ROUNDS}"
    )
    best: dict[str, list[float]] = {}
    for name in servers:
        with contextlib.suppress(Exception):
            best[f"{name} {version(name)}"] = [float("inf")] * len(CASES)
            continue
        print(f"{name} is not installed: skipped")
    for _ in range(ROUNDS):
        for label, figures in best.items():
            for at, (size, messages, pacing) in enumerate(CASES):
                cost_us = await measure(servers[label.split()[0]], size, messages, pacing)
                figures[at] = min(figures[at], cost_us)
    for label, figures in best.items():
        summary = ", ".join(
            f"{us:.2f} µs at {size} B {pacing}" for us, (size, _, pacing) in zip(figures, CASES, strict=True)
        )
        print(f"{label}: {summary}")


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    asyncio.run(main())
