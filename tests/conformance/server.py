"""hubbub's transport and Socket.IO server without accounts or database, for any protocol suite.

    python -m tests.conformance.server --port 3000

`/socket.io/`, namespaces `/` and `/custom`: `auth` after CONNECT, `message` and `message-with-ack` echo.
`/engine.io/`: a bare Engine.IO echo.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
from typing import Any, Self

from aiohttp import web

from hubbub.http.server import Runner
from hubbub.realtime.engine import Engine
from hubbub.realtime.engine.bounds import Bounds
from hubbub.realtime.socketio.server import SocketIOServer

NAMESPACES = ("/", "/custom")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.server")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--ping-interval-ms", type=int, default=300)
    parser.add_argument("--ping-timeout-ms", type=int, default=200)
    parser.add_argument("--max-payload", type=int, default=1_000_000)
    parser.add_argument("--connect-timeout-ms", type=int, default=1000)
    parser.add_argument("--upgrade-timeout-ms", type=int, default=10_000)
    parser.add_argument("--connect-delay-ms", type=int, default=0)
    parser.add_argument(
        "--limits", choices=["on", "off"], default="off", help="the product's packet and byte rates"
    )
    return parser.parse_args(given)


def _engine_options(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "ping_interval": options.ping_interval_ms / 1000,
        "ping_timeout": options.ping_timeout_ms / 1000,
        "max_http_buffer_size": options.max_payload,
        "upgrade_timeout": options.upgrade_timeout_ms / 1000,
        "cors_allowed_origins": "*",
        # A suite sends faster than a client may.
        "bounds": Bounds() if options.limits == "on" else Bounds(packet_rate=None, byte_rate=None),
    }


def socket_io(options: argparse.Namespace) -> SocketIOServer:
    """The Socket.IO server that the suites talk to."""
    sio = SocketIOServer(
        connect_timeout=options.connect_timeout_ms / 1000,
        namespaces=list(NAMESPACES),
        **_engine_options(options),
    )

    def serve(namespace: str) -> None:
        async def connect(sid: str, _environ: dict[str, Any], auth: Any) -> None:
            if options.connect_delay_ms:
                await asyncio.sleep(options.connect_delay_ms / 1000)
            await sio.emit("auth", {} if auth is None else auth, to=sid, namespace=namespace)

        async def message(sid: str, *received: Any) -> None:
            await sio.emit("message-back", received, to=sid, namespace=namespace)

        async def message_with_ack(_sid: str, *received: Any) -> tuple[Any, ...]:
            return received

        sio.on("connect", connect, namespace=namespace)
        sio.on("message", message, namespace=namespace)
        sio.on("message-with-ack", message_with_ack, namespace=namespace)

    for namespace in NAMESPACES:
        serve(namespace)
    return sio


def engine_io(options: argparse.Namespace) -> Engine:
    """The bare echo."""
    engine = Engine(**_engine_options(options))

    async def echo(sid: str, data: str | bytes) -> None:
        await engine.send(sid, data)

    engine.on("message", echo)
    return engine


def listeners(host: str, port: int) -> list[socket.socket]:
    """Open a listening socket for every address of the host name, all on one port."""
    found: list[socket.socket] = []
    for family, _, _, _, address in socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    ):
        where = (address[0], found[0].getsockname()[1] if found else port)
        with contextlib.suppress(OSError):  # a name may resolve to what this machine has not
            found.append(socket.create_server(where, family=family, backlog=4096))
    if not found:
        raise OSError(f"nothing to listen on at {host}:{port}")
    return found


class Running:
    """The servers, started and stopped as a block."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.sio = socket_io(options)
        self.engine = engine_io(options)
        self.port = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        self.sio.attach(app)
        self.engine.attach(app, "engine.io")
        self.runner = Runner(app, shutdown_timeout=1.0, lingering_time=2.0)
        await self.runner.setup()
        for listener in listeners(self.options.host, self.options.port):
            await web.SockSite(self.runner, listener).start()
            self.port = listener.getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()


async def main(options: argparse.Namespace) -> None:
    """Serve until a signal."""
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with Running(options) as running:
        print(f"listening on http://{options.host}:{running.port}", flush=True)  # noqa: T201 - asked for
        await stopping.wait()


if __name__ == "__main__":
    with contextlib.suppress(ImportError):
        import uvloop

        uvloop.install()
    asyncio.run(main(arguments()))
