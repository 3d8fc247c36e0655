"""A relay in front of a server: it can hang up, refuse, stand still, and lose what Redis publishes."""

import asyncio
import random
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import hiredis

from hubbub.core import tasks

CHUNK = 65536
PORTS = {"postgres": 5432, "postgresql": 5432, "redis": 6379}


class Relay:
    """Passes bytes on between instances and one server. `lost` is the share of Redis' messages that it drops.

    Heartbeats, which are empty, come through: an instance that hears them has no reason to be suspicious.
    """

    def __init__(self, url: str, seed: int) -> None:
        self._parts = urlsplit(url)
        self._reads_replies = self._parts.scheme == "redis"
        self._chance = random.Random(seed)  # noqa: S311 - a fault, not a secret
        self._listener: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._port = 0
        self._to = (self._parts.hostname, self._parts.port or PORTS[self._parts.scheme])
        self._flows = asyncio.Event()
        self._flows.set()
        self.lost = 0.0
        self.losses = 0
        self.cuts = 0  # connections that were hung up

    @property
    def url(self) -> str:
        """Where instances find it; the same after `down` and `up`."""
        user, at, _ = self._parts.netloc.rpartition("@")
        return self._parts._replace(netloc=f"{user}{at}127.0.0.1:{self._port}").geturl()

    async def up(self) -> None:
        """Listen."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Hang up; who comes is refused."""
        if self._listener is not None:
            self._listener.close()
        self.cuts += len(self._writers) // 2
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        for task in list(self._passing):
            await tasks.stop(task)

    def hold(self) -> None:
        """Let nothing through any more, and hang up nothing."""
        self._flows.clear()

    def flow(self) -> None:
        """Go on, with what was held first."""
        self._flows.set()

    def lead_to(self, url: str) -> None:
        """Connect to another server from now on; connections that are open stay with theirs."""
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port or PORTS[parts.scheme])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, there[1]}
        answers = self._replies if self._reads_replies else self._bytes
        for work in (self._bytes(reader, there[1]), answers(there[0], writer)):
            task = tasks.spawn(work, name="a relay")
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _bytes(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flows.wait()
                target.write(data)
                await target.drain()
        self._hang_up(target)

    async def _replies(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """What the server says, reply by reply: only so can one be left out."""
        replies = hiredis.Reader()
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._flows.wait()
                replies.feed(data)
                while (reply := replies.gets()) is not False:
                    if not self._is_lost(reply):
                        target.write(_packed(reply))
                await target.drain()
        self._hang_up(target)

    def _hang_up(self, target: asyncio.StreamWriter) -> None:
        self._writers.discard(target)
        target.close()

    def _is_lost(self, reply: Any) -> bool:  # noqa: ANN401 - any reply
        if not (isinstance(reply, list) and reply and reply[0] in {b"message", b"smessage"} and reply[2]):
            return False
        lost = self._chance.random() < self.lost
        self.losses += lost
        return lost


def _packed(reply: Any) -> bytes:  # noqa: ANN401 - any reply
    """The reply as it came (RESP 2, which is what hubbub speaks)."""
    if isinstance(reply, list):
        return b"*%d\r\n%b" % (len(reply), b"".join(map(_packed, reply)))
    if isinstance(reply, bytes):
        return b"$%d\r\n%b\r\n" % (len(reply), reply)
    if isinstance(reply, int):
        return b":%d\r\n" % reply
    if isinstance(reply, Exception):
        return b"-%b\r\n" % str(reply).encode()
    return b"$-1\r\n"
