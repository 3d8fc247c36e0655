"""What a WebSocket message costs from the socket to a handler, by who reads the frames.

    python -m bench.parsers

Masked text messages come from a thread as fast as they are taken; the processor time of the event loop's
thread is measured, system calls included. picows and websockets are measured if they are installed; hubbub
needs neither.
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
Count = Callable[[], None]
Serve = Callable[[Count], AbstractAsyncContextManager[int]]


class _Counting:
    """Takes a session's messages, and counts them."""

    def __init__(self, count: Count) -> None:
        self._count = count

    def opened(self, session: object, request: object) -> None:
        pass

    def message(self, _session: object, _data: str | bytes) -> None:
        self._count()

    def closed(self, session: object, reason: str) -> None:
        pass


@asynccontextmanager
async def _run(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def hubbub(count: Count) -> AsyncIterator[int]:
    engine = Engine(ping_interval=1000, max_http_buffer_size=1 << 20)
    engine.receiver = _Counting(count)
    app = web.Application()
    engine.attach(app)
    async with _run(app) as port:
        yield port


@asynccontextmanager
async def aiohttp(count: Count) -> AsyncIterator[int]:
    async def serve(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(compress=False, max_msg_size=1 << 20)
        await ws.prepare(request)
        async for _ in ws:
            count()
        return ws

    app = web.Application()
    app.router.add_get("/engine.io/", serve)
    async with _run(app) as port:
        yield port


@asynccontextmanager
async def websockets(count: Count) -> AsyncIterator[int]:
    from websockets.asyncio.server import ServerConnection, serve

    async def handle(ws: ServerConnection) -> None:
        with contextlib.suppress(Exception):
            async for _ in ws:
                count()

    async with serve(
        handle, "127.0.0.1", 0, compression=None, ping_interval=None, max_size=1 << 20
    ) as server:
        yield next(iter(server.sockets)).getsockname()[1]


@asynccontextmanager
async def picows(count: Count) -> AsyncIterator[int]:
    from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

    class Listener(WSListener):
        def on_ws_frame(self, _transport: WSTransport, frame: WSFrame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                frame.get_payload_as_utf8_text()
                count()

    server = await ws_create_server(lambda _: Listener(), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


class _Came:
    """How many messages came, and the loop's processor time when the first one did."""

    number = 0
    began = 0.0


def _blast(port: int, frame: bytes, number: int, came: _Came | None, done: threading.Event) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        head = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        connection.sendall((head + key).encode())
        while b"\r\n\r\n" not in connection.recv(4096):
            pass
        if came is None:
            connection.sendall(frame * number)
        else:
            for each in range(number):
                connection.sendall(frame)
                while came.number <= each:
                    time.sleep(0)
        done.wait()


def _frame(size: int) -> bytes:
    key = os.urandom(4)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    payload = bytes(byte ^ key[at % 4] for at, byte in enumerate(b"4" + b"x" * (size - 1)))
    return b"\x81" + length + key + payload


async def measure(serve: Serve, size: int, number: int, how: str) -> float:
    """Microseconds of the loop's thread for each message."""
    loop = asyncio.get_running_loop()
    all_came, done = asyncio.Event(), threading.Event()
    came = _Came()

    def count() -> None:
        if not came.number:
            came.began = time.thread_time()
        came.number += 1
        if came.number == number:
            all_came.set()

    async with serve(count) as port:
        watched = came if how == "one by one" else None
        sending = loop.run_in_executor(None, _blast, port, _frame(size), number, watched, done)
        await asyncio.wait_for(all_came.wait(), 120)
        spent = time.thread_time() - came.began
        done.set()
        await sending
    return spent / number * 1e6


async def main() -> None:
    servers: dict[str, Serve] = {
        "hubbub": hubbub,
        "aiohttp": aiohttp,
        "websockets": websockets,
        "picows": picows,
    }
    print(
        f"Python {platform.python_version()}, {type(asyncio.get_running_loop()).__module__}, best of {ROUNDS}"
    )
    best: dict[str, list[float]] = {}
    for name in servers:
        with contextlib.suppress(Exception):
            best[f"{name} {version(name)}"] = [float("inf")] * len(CASES)
            continue
        print(f"{name} is not installed: left out")
    for _ in range(ROUNDS):
        for label, figures in best.items():
            for at, (size, number, how) in enumerate(CASES):
                spent = await measure(servers[label.split()[0]], size, number, how)
                figures[at] = min(figures[at], spent)
    for label, figures in best.items():
        shown = ", ".join(
            f"{us:.2f} µs at {size} B {how}" for us, (size, _, how) in zip(figures, CASES, strict=True)
        )
        print(f"{label}: {shown}")


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    asyncio.run(main())
