"""Restores a backup: checked completely, then applied in one step that raises the epoch."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from hubbub.config import Settings
from hubbub.core import file_modes, metrics
from hubbub.core.auth_tokens import key_id
from hubbub.db import database, errors, migrations
from hubbub.db.database_lock import DatabaseLock
from hubbub.services.backups import (
    encryption,
    files,
    folders,
    manifest,
    postgres,
    postgres_replacement,
    sqlite,
)
from hubbub.services.backups.backup import Progress
from hubbub.services.backups.files import BackupProblem
from hubbub.services.backups.manifest import POSTGRES_FILE, SQLITE_FILE, Manifest
from hubbub.services.eventlog import epochs
from hubbub.services.instance import processes


class RestoreResult(NamedTuple):
    """The new epoch, and the migrations that the restored database lacks."""

    epoch: str
    pending_migrations: list[str]


class CheckedBackup:
    """A backup that was checked completely, for this database."""

    def __init__(self, settings: Settings, folder: Path, backup_manifest: Manifest) -> None:
        self._settings = settings  # of this database
        self._folder = folder  # of the backup
        self._key = folders.encryption_key(settings)  # that decrypts; None: there is none
        self.manifest = backup_manifest  # of the backup
        self.contents = ""  # table of contents of a PostgreSQL dump
        self.unpacked: Path | None = None  # the file that will replace an SQLite database

    @property
    def key_is_configured(self) -> bool:
        """Whether a configured secret key is the one of the backup."""
        keys = [self._settings.secret_key, *self._settings.secret_key_previous]
        return self.manifest.key_fingerprint in [key_id(key) for key in keys if key]

    @property
    def encrypted(self) -> bool | None:
        """Whether the backup is encrypted; None if no key is configured."""
        if self._key is None:
            return None
        with (self._folder / self.manifest.database_file).open("rb") as file:
            return encryption.is_encrypted(file)

    def open_database(self) -> AbstractContextManager[Iterator[bytes]]:
        """Open the database of the backup as plain text."""
        return files.open_decrypted(self._folder / self.manifest.database_file, self._key)


@asynccontextmanager
async def check(settings: Settings, source: str, progress: Progress) -> AsyncIterator[CheckedBackup]:
    """Check a backup completely, and keep it ready. Changes nothing. Raises BackupProblem."""
    folder = folders.from_url(source)
    backup_manifest = manifest.read(folder, folders.encryption_key(settings))
    backup = CheckedBackup(settings, folder, backup_manifest)
    _check_database_kind(settings, backup_manifest)
    _check_migrations(backup_manifest)
    _check_digests(folder, backup_manifest, progress)
    if not settings.uses_sqlite:
        backup.contents = await postgres.check(settings, backup.open_database)
        yield backup
        return
    path = database.sqlite_path(settings.database_url)
    file_modes.create_folder(path.parent)
    with files.working_folder(path, "restore") as working:
        target = working / SQLITE_FILE
        with backup.open_database() as chunks:
            await asyncio.to_thread(sqlite.unpack, chunks, target, backup_manifest)
        backup.unpacked = target
        yield backup


def _check_database_kind(settings: Settings, backup_manifest: Manifest) -> None:
    kinds = {POSTGRES_FILE: "PostgreSQL", SQLITE_FILE: "SQLite"}
    wanted = SQLITE_FILE if settings.uses_sqlite else POSTGRES_FILE
    if backup_manifest.database_file != wanted:
        raise BackupProblem(
            f"This is a backup of {kinds[backup_manifest.database_file]}, but "
            f"HUBBUB_DATABASE_URL refers to {kinds[wanted]}."
        )


def _check_migrations(backup_manifest: Manifest) -> None:
    known = set(migrations.names())
    newer = [step for step in backup_manifest.migrations if step not in known]
    if newer:
        raise BackupProblem(
            f"This is a backup of a newer version, {backup_manifest.version}: its migration "
            f"{newer[0]} is missing here."
        )


def _check_digests(folder: Path, backup_manifest: Manifest, progress: Progress) -> None:
    missing = [name for name in backup_manifest.files if not (folder / name).is_file()]
    if missing:
        raise BackupProblem(f"{folder / missing[0]} is missing.")
    advance = progress("Checking", sum((folder / name).stat().st_size for name in backup_manifest.files))
    for name, digest in backup_manifest.files.items():
        if files.digest(folder / name, advance) != digest:
            raise BackupProblem(f"{folder / name} is damaged: its SHA-256 differs from the manifest.")


@asynccontextmanager
async def exclusive_access(settings: Settings, *, force: bool) -> AsyncIterator[None]:
    """Require that no process uses the database. `force` overrides registrations, but not the lock of SQLite.

    Raises BackupProblem, DatabaseProblem.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(DatabaseLock(settings, "hubbub restore"))
        await _refuse_if_running(settings, force=force)
        yield


async def _refuse_if_running(settings: Settings, *, force: bool) -> None:
    # The lock of an SQLite database excludes all processes, whatever is registered in it.
    if not force and not settings.uses_sqlite and (running := await _running_processes(settings)):
        raise BackupProblem(
            f"These processes run on the database: {', '.join(running)}. Stop them, or use --force. "
            f"A killed process stays registered for {processes.REGISTRATION_TTL_S:g} s."
        )


async def _running_processes(settings: Settings) -> list[str]:
    await database.connect(settings)
    try:
        return [f"{row.kind} {row.id}" for row in await processes.live()]
    except Exception as error:
        if isinstance(errors.unwrap(error), asyncpg.UndefinedTableError):
            return []  # a database without tables, or of an older version
        raise
    finally:
        await database.close()


async def apply(settings: Settings, backup: CheckedBackup, *, force: bool) -> RestoreResult:
    """Replace the database and raise the epoch, in one step.

    Raises BackupProblem: nothing has changed then.
    """
    await _refuse_if_running(settings, force=force)  # again: the check and the confirmation took time
    backup_manifest = backup.manifest
    if settings.uses_sqlite:
        assert backup.unpacked is not None  # noqa: S101 - set by `check`
        path = database.sqlite_path(settings.database_url)
        epoch = epochs.generate_after(
            backup_manifest.epoch, await asyncio.to_thread(sqlite.current_epoch, path)
        )
        await asyncio.to_thread(sqlite.raise_epoch, backup.unpacked, epoch)
        await asyncio.to_thread(sqlite.replace, path, backup.unpacked)
    else:
        epoch = epochs.generate_after(backup_manifest.epoch, await postgres.current_epoch(settings))
        await postgres_replacement.replace(
            settings, backup_manifest, epoch, backup.contents, backup.open_database
        )
    metrics.count("epoch_raises", epochs.Cause.RESTORE.value)
    return RestoreResult(
        epoch, [step for step in migrations.names() if step not in backup_manifest.migrations]
    )
