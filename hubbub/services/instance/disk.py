"""The free space on the disks of the database, the uploads and the secrets."""

import asyncio
import shutil
from pathlib import Path
from typing import NamedTuple

from hubbub.config import Settings, urls
from hubbub.db import database

CHECK_TIMEOUT_S = 3.0  # a network file system may not respond


class FreeSpace(NamedTuple):
    """The free bytes on the disk of a folder."""

    folder: Path
    free: int

    def is_enough(self, settings: Settings) -> bool:
        """Return whether it is at least `HUBBUB_DISK_MIN_BYTES`."""
        return self.free >= settings.disk_min_bytes


def folders(settings: Settings) -> list[Path]:
    """Return the folders in which this instance writes: secrets, SQLite, uploads."""
    found = [settings.data_dir]
    if settings.uses_sqlite and not database.is_in_memory(settings):
        found.append(database.sqlite_path(settings.database_url).absolute().parent)
    if settings.storage_url.startswith("file:"):
        found.append(urls.file_path(settings.storage_url))
    return found


def smallest(settings: Settings) -> FreeSpace:
    """Return the smallest free space of the folders. Call it in a thread. Raises OSError."""
    return min((_measure(folder) for folder in folders(settings)), key=lambda space: space.free)


def _measure(folder: Path) -> FreeSpace:
    return FreeSpace(folder, shutil.disk_usage(existing_parent(folder)).free)


def existing_parent(folder: Path) -> Path:
    """Return a folder, or the nearest of its parents that exists."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())


async def state(settings: Settings) -> str:
    """Return `ok`, `degraded` below `HUBBUB_DISK_MIN_BYTES`, or `unavailable` if it can't be determined."""
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            space = await asyncio.to_thread(smallest, settings)
    except (OSError, TimeoutError):
        return "unavailable"
    return "ok" if space.is_enough(settings) else "degraded"
