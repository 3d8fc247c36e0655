"""A TCP proxy in front of a server: simulates a server that stops, hangs or disconnects."""

import asyncio
import ssl
from contextlib import suppress
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class TcpProxy:
    """Passes bytes between clients and one server until it is frozen or stopped.

    `url` is the server's URL with the proxy's host and port. With `tls`, clients connect by TLS.

    """

    def __init__(self, url: str, tls: ssl.SSLContext | None = None) -> None:
        self._url_parts = urlsplit(url)
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._target = (self._url_parts.hostname, self._url_parts.port)
        self._listener: asyncio.Server | None = None
        self._port = 0
        self._freeze_pattern = b""
        self.pattern_seen = asyncio.Event()  # the word of `hold_at` went by
        self.data_blocked = asyncio.Event()  # data arrived since `freeze`

    @property
    def url(self) -> str:
        """The URL of the proxy for clients."""
        user = self._url_parts.netloc.rpartition("@")[0]
        scheme = f"{self._url_parts.scheme}{'s' if self._tls else ''}"
        return self._url_parts._replace(scheme=scheme, netloc=f"{user}@127.0.0.1:{self._port}").geturl()

    @property
    def server_url(self) -> str:
        """The URL of the server without the proxy."""
        return self._url_parts.geturl()

    @property
    def open_connections(self) -> int:
        """How many connections there are."""
        return len(self._writers) // 2

    async def start(self) -> None:
        """Listen, always on the same port."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self._port, ssl=self._tls)
        self._port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything. New connections are refused."""
        if self._listener is not None:
            self._listener.close()
        self.reset_connections()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # a closed transport closes its socket in the next turn of the event loop

    def reset_connections(self) -> None:
        """Break all connections, as a crash of the server does."""
        for writer in self._writers:
            writer.transport.abort()

    def freeze_at(self, pattern: bytes) -> None:
        """Freeze when a client sends this word: the server gets it, its response does not pass."""
        self._freeze_pattern = pattern
        self.pattern_seen.clear()

    def freeze(self) -> None:
        """Stop passing data. The connections stay open."""
        self._flowing.clear()
        self.data_blocked.clear()

    def thaw(self) -> None:
        """All passes again."""
        self._flowing.set()

    def stall_connections(self) -> None:
        """Stop passing data on the current connections, which stay open. New ones work."""
        self._flowing.clear()
        self._flowing = asyncio.Event()
        self._flowing.set()

    def redirect_to(self, url: str) -> None:
        """Connect new clients to another server. Current connections keep theirs."""
        url_parts = urlsplit(url)
        self._target = (url_parts.hostname, url_parts.port)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = asyncio.current_task()
        assert opening is not None
        self._tasks.add(opening)
        try:
            upstream = await asyncio.open_connection(*self._target)
        except BaseException:
            writer.transport.abort()
            raise
        finally:
            self._tasks.discard(opening)
        self._writers |= {writer, upstream[1]}
        for source, target in ((reader, upstream[1]), (upstream[0], writer)):
            task = asyncio.create_task(self._forward(source, target, from_client=source is reader))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, from_client: bool
    ) -> None:
        flowing = self._flowing  # that of the time when the connection was opened
        with suppress(OSError):
            while data := await source.read(65536):
                self.data_blocked.set()
                await flowing.wait()
                if from_client:
                    await self._before_forward()
                matches = from_client and bool(self._freeze_pattern) and self._freeze_pattern in data
                if matches:
                    self._freeze_pattern = b""
                    self.freeze()
                target.write(data)
                await target.drain()
                if matches:
                    self.pattern_seen.set()
        self._writers.discard(target)
        target.close()

    async def _before_forward(self) -> None:
        """Called before each piece of what a client sends is passed on."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()
