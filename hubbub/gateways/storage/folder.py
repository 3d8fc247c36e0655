"""A local folder as storage: complete files appear under their names by a rename, on disk.

Only the owner may access the folder and its files, whatever the umask is.
"""

import asyncio
import errno
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from pathlib import Path

from hubbub.core import file_modes
from hubbub.core.errors import StorageFull, Unavailable
from hubbub.gateways.storage.interface import NOT_READ, RETRY_AFTER_MS, ObjectMissing, SignedUrl, Storage

CHUNK_BYTES = 256 * 1024
BATCH_KEYS = 1000
MIN_FREE_BYTES = 1 << 20  # below it the disk counts as full
OBJECTS, SPOOL = "objects", "incoming"


class FolderStorage(Storage):
    """Objects as files below a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder / OBJECTS
        self.spool_folder = folder / SPOOL  # on the same file system, so that a rename moves a file

    async def put(self, key: str, source: Path) -> None:
        try:
            await asyncio.to_thread(_move, source, self._folder / key, self._folder)
        except OSError as error:
            raise self.write_error(error) from None
        self.record_write()

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        try:
            file = await asyncio.to_thread((self._folder / key).open, "rb")
        except FileNotFoundError:
            raise ObjectMissing from None
        except OSError:
            raise Unavailable(NOT_READ, retry_after_ms=RETRY_AFTER_MS) from None
        try:
            await asyncio.to_thread(file.seek, start)
            left = end - start if end is not None else None
            while left is None or left > 0:
                wanted = CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)
                chunk = await asyncio.to_thread(file.read, wanted)
                if not chunk:
                    return
                left = None if left is None else left - len(chunk)
                yield chunk
        except OSError:
            raise Unavailable(NOT_READ, retry_after_ms=RETRY_AFTER_MS) from None
        finally:
            file.close()

    async def delete(self, keys: Iterable[str]) -> None:
        paths = [self._folder / key for key in keys]
        try:
            await asyncio.to_thread(_unlink, paths)
        except OSError as error:
            raise self.write_error(error) from None

    async def list_keys(self, before: datetime) -> AsyncIterator[list[str]]:
        batches = _batches(self._folder, before.timestamp())
        while batch := await asyncio.to_thread(next, batches, None):
            yield batch

    async def signed_url(self, _key: str, _response: SignedUrl, /) -> str | None:
        return None

    async def close(self) -> None:
        """Do nothing: no file stays open."""

    async def check(self) -> None:
        try:
            free = await asyncio.to_thread(_free_bytes, self._folder)
        except OSError as error:
            raise self.write_error(error) from None
        if free < MIN_FREE_BYTES:
            raise StorageFull


def _move(source: Path, target: Path, root: Path) -> None:
    """Move a file to its place, with its content and its name on disk. Raises OSError."""
    file_modes.create_folder(target.parent)
    with source.open("rb") as file:
        os.fsync(file.fileno())
    source.replace(target)
    for folder in (target.parent, root):
        file_modes.sync_folder(folder)


def _unlink(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _batches(folder: Path, before: float) -> Iterator[list[str]]:
    batch: list[str] = []
    for path in folder.glob("*/*"):
        try:
            old = path.stat().st_mtime < before
        except FileNotFoundError:
            continue
        if old:
            batch.append(f"{path.parent.name}/{path.name}")
        if len(batch) == BATCH_KEYS:
            yield batch
            batch = []
    if batch:
        yield batch


def _free_bytes(folder: Path) -> int:
    """Return the free bytes for a writable folder, which is created if need be. Raises OSError."""
    file_modes.create_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, "not writable")
    return shutil.disk_usage(folder).free
