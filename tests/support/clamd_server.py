"""A stand-in for clamd: speaks INSTREAM and PING, and finds the EICAR test text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.tcp_server import run_tcp_server

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class ClamdServer:
    """A running server. `response` replaces the verdict; `silent` gives none."""

    def __init__(self) -> None:
        self.url = ""
        self.scanned: list[bytes] = []
        self.response: bytes | None = None
        self.silent = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = await reader.readuntil(b"\0")
        verdict = b"PONG" if command == b"zPING\0" else await self._scan(reader)
        if not self.silent:
            writer.write((self.response or verdict) + b"\0")
            await writer.drain()
        else:
            await reader.read()

    async def _scan(self, reader: asyncio.StreamReader) -> bytes:
        content = b""
        while size := int.from_bytes(await reader.readexactly(4), "big"):
            content += await reader.readexactly(size)
        self.scanned.append(content)
        return b"stream: Eicar-Test-Signature FOUND" if EICAR in content else b"stream: OK"


@asynccontextmanager
async def run_clamd(socket: Path | None = None) -> AsyncIterator[ClamdServer]:
    """Run the stand-in on a free port, or on a Unix socket."""
    clamd = ClamdServer()
    async with run_tcp_server(clamd.serve, socket=socket) as port:
        clamd.url = f"tcp://127.0.0.1:{port}" if socket is None else f"unix://{socket}"
        yield clamd
