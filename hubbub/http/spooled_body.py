"""A large request body, received into a temporary file that has no name and disappears with the request."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from aiohttp import web

from hubbub.core import file_modes
from hubbub.core.errors import TooLarge
from hubbub.core.files.large_json import Malformed
from hubbub.http.app_keys import BODY_IN_MEMORY, container_of, principal_of
from hubbub.http.content_encoding import StreamDecoder
from hubbub.http.paced_body import PacedBody
from hubbub.http.problems import InvalidJson, UnsupportedMediaType
from hubbub.http.request import read_body

BUFFER_BYTES = 256 * 1024  # collected before a write


@dataclass(slots=True)
class SpooledBody:
    """A complete body, decompressed."""

    file: IO[bytes]
    size: int  # bytes
    digest: bytes  # SHA-256


_BODY = web.RequestKey("spooled_body", SpooledBody)


@asynccontextmanager
async def receive(request: web.Request, max_bytes: int) -> AsyncIterator[SpooledBody]:
    """Provide the JSON body of a request. Within another call for the same request, it is the same.

    Raises UnsupportedMediaType, BadRequest, TooLarge, RateLimited, StorageFull, Unavailable, and InvalidJson
    in the place of Malformed.
    """
    try:
        if (received := request.get(_BODY)) is not None:
            yield received
        else:
            async with _received(request, max_bytes) as body:
                yield body
    except Malformed:
        raise InvalidJson from None


@asynccontextmanager
async def _received(request: web.Request, max_bytes: int) -> AsyncIterator[SpooledBody]:
    container = container_of(request)
    with container.active_imports.count(principal_of(request).user.id):
        try:
            file = await asyncio.to_thread(_new_file, container.storage.spool_folder)
        except OSError as error:
            raise container.storage.write_error(error) from None
        with file:
            try:
                request[_BODY] = await _receive(request, file, max_bytes)
            except OSError as error:
                raise container.storage.write_error(error) from None
            try:
                yield request[_BODY]
            finally:
                del request[_BODY]


def _new_file(folder: Path) -> IO[bytes]:
    file_modes.create_folder(folder)
    return tempfile.TemporaryFile(dir=folder, buffering=0)


async def _receive(request: web.Request, file: IO[bytes], max_bytes: int) -> SpooledBody:
    decoder, digest = _decoder(request, max_bytes), hashlib.sha256()
    async for piece in _pieces(request, max_bytes):
        await asyncio.to_thread(_write, file, decoder, piece, digest)
    decoder.finish()
    if decoder.size and request.content_type != "application/json":
        raise UnsupportedMediaType
    return SpooledBody(file, decoder.size, digest.digest())


def _decoder(request: web.Request, max_bytes: int) -> StreamDecoder:
    is_decoded = BODY_IN_MEMORY in request
    return StreamDecoder("" if is_decoded else request.headers.get("Content-Encoding", ""), max_bytes)


async def _pieces(request: web.Request, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the body in pieces. One that was read for a signature is in memory, decompressed."""
    if BODY_IN_MEMORY in request:
        yield await read_body(request)
        return
    if (request.content_length or 0) > max_bytes:
        raise TooLarge
    body, buffer = PacedBody(request, max_bytes), bytearray()
    while chunk := await body.read():
        buffer += chunk
        if len(buffer) >= BUFFER_BYTES:
            yield bytes(buffer)
            buffer.clear()
    yield bytes(buffer)


def _write(file: IO[bytes], decoder: StreamDecoder, data: bytes, digest: "hashlib._Hash") -> None:
    for decoded in decoder.feed(data):
        digest.update(decoded)
        view = memoryview(decoded)
        while view:
            view = view[file.write(view) :]
