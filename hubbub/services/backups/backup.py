"""Writes a backup: the database and a manifest, verified before the folder gets its final name."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from hubbub.config import Settings
from hubbub.core import file_modes
from hubbub.core.auth_tokens import key_id
from hubbub.db import database
from hubbub.services.backups import files, folders, manifest, postgres, sqlite
from hubbub.services.backups.files import Advance, BackupProblem, Writer
from hubbub.services.backups.manifest import POSTGRES_FILE, SQLITE_FILE, Manifest


class Progress(Protocol):
    """Reports the progress of a command."""

    def __call__(self, label: str, total: int) -> Advance:
        """Start a step of `total` bytes.

        The returned function receives the bytes done since its last call.
        """


class CompletedBackup(NamedTuple):
    """A complete, verified backup."""

    path: Path  # its folder
    manifest: Manifest
    size_bytes: int


async def write(settings: Settings, url: str, progress: Progress) -> CompletedBackup:
    """Back up the database to a new folder in `url`. Raises BackupProblem, DatabaseProblem, OSError."""
    folder = folders.from_url(url)
    key = folders.encryption_key(settings)
    with folders.staging_folder(folder) as staging:
        if settings.uses_sqlite:
            new_manifest = await _back_up_sqlite(settings, staging, key, progress)
        else:
            new_manifest = await _back_up_postgres(settings, staging, key, progress)
        digest = manifest.write(staging, new_manifest, key)
        _verify(staging, {**new_manifest.files, manifest.FILE_NAME: digest}, key, new_manifest, progress)
        size_bytes = sum(each.stat().st_size for each in staging.iterdir())
        return CompletedBackup(folders.finalize(staging), new_manifest, size_bytes)


async def _back_up_postgres(
    settings: Settings, staging: Path, key: bytes | None, progress: Progress
) -> Manifest:
    advance = progress("Dumping", await postgres.database_size_bytes(settings))
    with Writer(staging, POSTGRES_FILE, key) as writer:
        dumped = await postgres.dump(settings, writer, advance)
    return Manifest(
        migrations=dumped.migrations,
        epoch=dumped.epoch,
        row_counts=dumped.row_counts,
        highest_seqs=dumped.highest_seqs,
        files={POSTGRES_FILE: dumped.digest},
        key_fingerprint=_key_fingerprint(settings),
    )


async def _back_up_sqlite(
    settings: Settings, staging: Path, key: bytes | None, progress: Progress
) -> Manifest:
    path = database.sqlite_path(settings.database_url)
    with _copy_target(path, staging, key) as target:
        copied = await asyncio.to_thread(sqlite.copy, path, target, _page_progress(path, progress))
        digest = files.digest(target) if key is None else _encrypt(target, staging, key)
        file_modes.sync_folder(staging)
    return Manifest(
        migrations=copied.migrations,
        epoch=copied.epoch,
        row_counts=copied.row_counts,
        highest_seqs=copied.highest_seqs,
        files={SQLITE_FILE: digest},
        key_fingerprint=_key_fingerprint(settings),
    )


def _encrypt(plain_path: Path, staging: Path, key: bytes) -> str:
    """Write the encrypted form of a copy; return its digest."""
    with Writer(staging, SQLITE_FILE, key) as writer, plain_path.open("rb") as plain:
        while piece := plain.read(files.READ_CHUNK_BYTES):
            writer.write(piece)
        return writer.finish()


@contextmanager
def _copy_target(path: Path, staging: Path, key: bytes | None) -> Iterator[Path]:
    """Yield the path of the copy. Plain text that will be encrypted is written beside the database."""
    if key is None:
        yield staging / SQLITE_FILE
        return
    with files.working_folder(path, "backup") as folder:
        yield folder / SQLITE_FILE


def _page_progress(path: Path, progress: Progress) -> sqlite.PageProgress:
    advance = progress("Copying", path.stat().st_size if path.is_file() else 0)
    done = 0

    def step(left: int, total: int) -> None:
        nonlocal done
        size = path.stat().st_size
        now = size * (total - left) // max(total, 1)
        advance(max(0, now - done))
        done = max(done, now)

    return step


def _key_fingerprint(settings: Settings) -> str:
    return key_id(settings.secret_key) if settings.secret_key else ""


def _verify(
    staging: Path, digests: dict[str, str], key: bytes | None, expected: Manifest, progress: Progress
) -> None:
    """Read all files again from the disk. Raises BackupProblem."""
    advance = progress("Verifying", sum((staging / name).stat().st_size for name in digests))
    for name, digest in digests.items():
        if files.digest(staging / name, advance) != digest:
            raise BackupProblem(f"{staging / name} differs from what was written. Check the disk.")
        if key is not None:
            with files.open_decrypted(staging / name, key) as pieces:
                for _ in pieces:
                    pass  # decrypted to the end
    if manifest.read(staging, key) != expected:
        raise BackupProblem(f"{staging / manifest.FILE_NAME} differs from what was written. Check the disk.")
