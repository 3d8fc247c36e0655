"""Temporary files of one upload: what is received, and what is made of it before it is stored."""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, NamedTuple, Self

from hubbub.core import clock, file_modes, ids
from hubbub.core.errors import TooLarge
from hubbub.gateways.storage.interface import Storage

BUFFER_BYTES = 128 * 1024  # collected before a write
CHUNK_BYTES = 256 * 1024
MAX_AGE_S = 3600.0  # after which a file belongs to no upload any more


class LocalFile(NamedTuple):
    """A complete file."""

    path: Path
    size: int  # bytes
    digest: str  # SHA-256, in hex


class SizeLimit(NamedTuple):
    """A number of bytes, and the error beyond it."""

    max_bytes: int
    message: str


class Spool:
    """The temporary files of one request. Leaving it removes those that were not stored."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._paths: list[Path] = []  # of all files that were created

    async def __aenter__(self) -> Self:
        try:
            await asyncio.to_thread(file_modes.create_folder, self._storage.spool_folder)
        except OSError as error:
            raise self._storage.write_error(error) from None
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(asyncio.to_thread(_unlink, self._paths))

    def new_path(self) -> Path:
        """Return the path of a new, empty file that only its owner may access. Raises OSError."""
        path = self._storage.spool_folder / ids.uuid7().hex
        self._paths.append(path)
        file_modes.create_file(path)
        return path

    async def receive(self, chunks: AsyncIterator[bytes], limit: SizeLimit) -> LocalFile:
        """Write what is received to a file. Raises TooLarge as soon as it is too large, StorageFull."""
        digest, size, buffer = hashlib.sha256(), 0, bytearray()
        try:
            path = await asyncio.to_thread(self.new_path)
            file = await asyncio.to_thread(path.open, "wb", 0)
            with file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit.max_bytes:
                        raise TooLarge(limit.message)
                    buffer += chunk
                    if len(buffer) >= BUFFER_BYTES:
                        await asyncio.to_thread(_write, file, bytes(buffer), digest)
                        buffer.clear()
                await asyncio.to_thread(_write, file, bytes(buffer), digest)
        except OSError as error:
            raise self._storage.write_error(error) from None
        return LocalFile(path, size, digest.hexdigest())


def _write(file: "IO[bytes]", data: bytes, digest: "hashlib._Hash") -> None:
    digest.update(data)
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def measure(path: Path) -> LocalFile:
    """Return a file with its size and digest. Call it in a thread."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return LocalFile(path, path.stat().st_size, digest)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> int:
    """Remove the files that a process left when it died; return their number. Call it in a thread."""
    cutoff, removed = clock.now().timestamp() - MAX_AGE_S, 0
    for path in folder.glob("*"):
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_mtime < cutoff:
                path.unlink()
                removed += 1
    return removed
