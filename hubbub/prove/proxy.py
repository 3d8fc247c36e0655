"""A proxy in front of a server. It can close, refuse and pause connections, and drop Redis messages."""

import asyncio
import random
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import hiredis

from hubbub.core import tasks

CHUNK_BYTES = 65536
DEFAULT_PORTS = {"postgres": 5432, "postgresql": 5432, "redis": 6379}


class Proxy:
    """Passes bytes between instances and one server. `loss_rate` is the share of dropped Redis messages.

    Heartbeats, which are empty, pass: an instance that receives them has no reason to suspect a loss.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._server_url = urlsplit(url)  # as given
        self._parses_replies = self._server_url.scheme == "redis"
        self._rng = random.Random(seed)  # noqa: S311 - a fault, not a secret
        self._server: asyncio.Server | None = None  # listens for instances
        self._writers: set[asyncio.StreamWriter] = set()  # two for each connection
        self._copy_tasks: set[asyncio.Task[None]] = set()  # two for each connection
        self._port = 0  # chosen at the first start
        self._target = (
            self._server_url.hostname,
            self._server_url.port or DEFAULT_PORTS[self._server_url.scheme],
        )
        self._unpaused = asyncio.Event()  # cleared while bytes are held
        self._unpaused.set()
        self.loss_rate = 0.0  # from 0 to 1
        self.dropped_messages = 0
        self.closed_connections = 0  # closed by `stop`

    @property
    def url(self) -> str:
        """URL for instances; the same after `stop` and `start`."""
        user, at, _ = self._server_url.netloc.rpartition("@")
        return self._server_url._replace(netloc=f"{user}{at}127.0.0.1:{self._port}").geturl()

    async def start(self) -> None:
        """Start listening."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
        self.closed_connections += len(self._writers) // 2
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        for task in list(self._copy_tasks):
            await tasks.stop(task)

    def pause(self) -> None:
        """Hold all bytes, and keep the connections open."""
        self._unpaused.clear()

    def resume(self) -> None:
        """Pass bytes again, the held ones first."""
        self._unpaused.set()

    def set_target(self, url: str) -> None:
        """Use another server for new connections. Open connections stay with theirs."""
        url_parts = urlsplit(url)
        self._target = (url_parts.hostname, url_parts.port or DEFAULT_PORTS[url_parts.scheme])

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream[1]}
        copy_replies = self._copy_replies if self._parses_replies else self._copy_bytes
        for copying in (self._copy_bytes(reader, upstream[1]), copy_replies(upstream[0], writer)):
            task = tasks.spawn(copying, name="proxy connection")
            self._copy_tasks.add(task)
            task.add_done_callback(self._copy_tasks.discard)

    async def _copy_bytes(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                await self._unpaused.wait()
                target.write(data)
                await target.drain()
        self._close(target)

    async def _copy_replies(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Copy the server's output reply by reply, so that single replies can be dropped."""
        replies = hiredis.Reader()
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                await self._unpaused.wait()
                replies.feed(data)
                while (reply := replies.gets()) is not False:
                    if not self._should_drop(reply):
                        target.write(_encode_reply(reply))
                await target.drain()
        self._close(target)

    def _close(self, target: asyncio.StreamWriter) -> None:
        self._writers.discard(target)
        target.close()

    def _should_drop(self, reply: Any) -> bool:  # noqa: ANN401 - any reply
        if not (isinstance(reply, list) and reply and reply[0] in {b"message", b"smessage"} and reply[2]):
            return False
        dropped = self._rng.random() < self.loss_rate
        self.dropped_messages += dropped
        return dropped


def _encode_reply(reply: Any) -> bytes:  # noqa: ANN401 - any reply
    """Encode a reply as it was received (RESP 2, which hubbub uses)."""
    if isinstance(reply, list):
        return b"*%d\r\n%b" % (len(reply), b"".join(map(_encode_reply, reply)))
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, Exception):
        return b"-%b\r\n" % str(reply).encode()
    return b"$-1\r\n"
