"""A relay in front of a server: what happens to a program when its server stops, hangs, or hangs up."""

import asyncio
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Relay:
    """Passes bytes on between clients and one server, for as long as it is told to.

    `url` is the server's address with the relay's host and port in it; with `tls`, clients speak TLS to it.
    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self._parts = urlsplit(url)
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._to = (self._parts.hostname, self._parts.port)
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._word = b""
        self.heard = asyncio.Event()  # the word of `hold_at` went by
        self.held = asyncio.Event()  # something came since `freeze`

    @property
    def url(self) -> str:
        """Where clients find the relay."""
        user = self._parts.netloc.rpartition("@")[0]
        scheme = f"{self._parts.scheme}{'s' if self._tls else ''}"
        return self._parts._replace(scheme=scheme, netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    @property
    def server_url(self) -> str:
        """Where the server is found without the relay."""
        return self._parts.geturl()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._writers) // 2

    async def up(self) -> None:
        """Listen, always on the same port."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Close everything; who comes is refused."""
        if self._listener is not None:
            self._listener.close()
        self.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """Break all connections, as a crash of the server does."""
        for writer in self._writers:
            writer.transport.abort()

    def hold_at(self, word: bytes) -> None:
        """Freeze when a client says this word: the server gets it, its answer does not come through."""
        self._word = word
        self.heard.clear()

    def freeze(self) -> None:
        """Nothing passes any more; the connections stay."""
        self._flowing.clear()
        self.held.clear()

    def thaw(self) -> None:
        """All passes again."""
        self._flowing.set()

    def strand(self) -> None:
        """Nothing passes on the connections of now any more, and they stay; what comes later passes."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def lead_to(self, url: str) -> None:
        """Connect who comes later to another server; the connections of now stay with theirs."""
        parts = urlsplit(url)
        self._to = (parts.hostname, parts.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(*self._to)
        self._writers |= {writer, there[1]}
        for source, target in ((reader, there[1]), (there[0], writer)):
            task = asyncio.create_task(self._pass_on(source, target, from_client=source is reader))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        flowing = self._flowing  # that of the time when the connection was made
        with suppress(OSError):
            while data := await source.read(65536):
                self.held.set()
                await flowing.wait()
                if from_client:
                    await self._before()
                last = from_client and bool(self._word) and self._word in data
                if last:
                    self._word = b""
                    self.freeze()
                target.write(data)
                await target.drain()
                if last:
                    self.heard.set()
        self._writers.discard(target)
        target.close()

    async def _before(self) -> None:
        """Called before each piece of what a client sends is passed on."""

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()
