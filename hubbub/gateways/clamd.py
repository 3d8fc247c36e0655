"""Scans files with clamd (INSTREAM, clamd(8)). Without a scanner that responds, nothing counts as scanned."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from hubbub.core import metrics
from hubbub.core.errors import Unavailable

log = logging.getLogger(__name__)

CHUNK_BYTES = 128 * 1024
TIMEOUT_S = 30.0  # of a scan
MAX_RESPONSE_BYTES = 4096
MAX_SCANS = 8  # at the same time; clamd has 10 threads by default


class Infected(Exception):
    """The scanner found malware."""


class ClamdScanner:
    """The scanner at `HUBBUB_CLAMD_URL`."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._slots = asyncio.Semaphore(MAX_SCANS)

    async def scan(self, path: Path) -> None:
        """Scan a file. Raises Infected, Unavailable."""
        async with self._translate_errors(), self._slots:
            verdict = await self._ask(path)
        if verdict.endswith("FOUND"):
            metrics.count("uploads_infected")
            log.warning("an upload contains malware", extra={"finding": verdict.removesuffix(" FOUND")[:100]})
            raise Infected
        if not verdict.endswith("OK"):
            raise self._unavailable(verdict[:100])

    async def ping(self) -> None:
        """Require a response of the scanner. Raises Unavailable."""
        async with self._translate_errors(), self._connected() as (reader, writer):
            writer.write(b"zPING\0")
            response = await reader.readuntil(b"\0")
        if response != b"PONG\0":
            raise self._unavailable("it does not respond as clamd does")

    async def _ask(self, path: Path) -> str:
        file = await asyncio.to_thread(path.open, "rb")
        try:
            async with self._connected() as (reader, writer):
                writer.write(b"zINSTREAM\0")
                await _send(file, writer)
                response = await reader.readuntil(b"\0")
        finally:
            file.close()
        return response[:-1].decode("utf-8", "replace").removeprefix("stream: ").strip()

    @asynccontextmanager
    async def _translate_errors(self) -> AsyncIterator[None]:
        """Limit the time of a call, and raise Unavailable if the scanner does not respond in it."""
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except (OSError, TimeoutError, asyncio.LimitOverrunError, asyncio.IncompleteReadError) as error:
            raise self._unavailable(type(error).__name__) from None

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        url = urlsplit(self._url)
        if url.scheme == "unix":
            reader, writer = await asyncio.open_unix_connection(unquote(url.path), limit=MAX_RESPONSE_BYTES)
        else:
            reader, writer = await asyncio.open_connection(url.hostname, url.port, limit=MAX_RESPONSE_BYTES)
        try:
            yield reader, writer
        finally:
            writer.close()

    def _unavailable(self, reason: str) -> Unavailable:
        metrics.count("upload_scans_failed")
        log.warning("the virus scanner is unavailable", extra={"why": reason})
        return Unavailable("Files can't be scanned now. Try again in a moment.", retry_after_ms=5000)


async def _send(file: BinaryIO, writer: asyncio.StreamWriter) -> None:
    """Send a file in chunks with their length. The end is a chunk of length 0."""
    while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
        writer.write(len(chunk).to_bytes(4, "big") + chunk)
        await writer.drain()
    writer.write(bytes(4))
    await writer.drain()
