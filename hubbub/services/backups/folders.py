"""Folders of backups, on this machine, named by the time of the backup."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from hubbub.config import Settings
from hubbub.config.backups import PLACEHOLDER
from hubbub.core import clock, file_modes
from hubbub.services.backups import files
from hubbub.services.backups.files import BackupProblem

STAGING_PATTERN = ".hubbub-*.partial-*"


def from_url(url: str) -> Path:
    """Return the folder of a path or a `file://` URL. Raises BackupProblem for other URLs."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return Path(url)
    if scheme.lower() == "file" and urlsplit(url).netloc in ("", "localhost"):
        return Path(unquote(urlsplit(url).path))
    if scheme.lower() == "s3":
        raise BackupProblem("s3:// is not supported. Give a folder, and copy the backup from there.")
    raise BackupProblem(f"{scheme}://{rest.rpartition('@')[2]} is not supported for backups. Give a folder.")


def encryption_key(settings: Settings) -> bytes | None:
    """Return the encryption key, or None. Raises BackupProblem for the one of `.env.example`."""
    if settings.backup_key == PLACEHOLDER:
        raise BackupProblem(
            "HUBBUB_BACKUP_KEY is the one of .env.example. Generate one: openssl rand -hex 32"
        )
    return bytes.fromhex(settings.backup_key) if settings.backup_key else None


@contextmanager
def staging_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder in which a backup is written. It is removed at the end unless `finalize` renames it."""
    file_modes.create_folder(folder)
    files.remove_abandoned(folder, STAGING_PATTERN)
    staging = folder / f".hubbub-{clock.now():%Y%m%dT%H%M%SZ}.partial-{secrets.token_hex(4)}"
    file_modes.create_folder(staging)
    with files.locked_temporary(staging):
        yield staging


def finalize(staging: Path) -> Path:
    """Rename a complete backup to its final name.

    If the name of this second is taken, the next second is used.
    """
    file_modes.sync_folder(staging)
    at = clock.now()
    while True:
        path = staging.with_name(f"hubbub-{at:%Y%m%dT%H%M%SZ}")
        try:
            if not os.path.lexists(path):
                staging.rename(path)
                break
        except OSError:
            if not path.exists():
                raise
        at += timedelta(seconds=1)
    file_modes.sync_folder(path.parent)
    return path
