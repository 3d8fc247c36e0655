"""Restoring a backup: checked as a whole, then put into place in one step that raises the epoch."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import asyncpg

from hubbub.config import Settings
from hubbub.core import metrics
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
from hubbub.services.backups.manifest import POSTGRES, SQLITE, Manifest
from hubbub.services.eventlog import epochs
from hubbub.services.instance import processes


class Restored(NamedTuple):
    """What was restored; `missing` are the steps of the schema that it has not taken."""

    epoch: str
    missing: list[str]


class Checked:
    """A backup that was checked as a whole, for this database."""

    def __init__(self, settings: Settings, folder: Path, found: Manifest) -> None:
        self._settings = settings
        self._folder = folder
        self._key = folders.key_of(settings)
        self.manifest = found
        self.contents = ""  # of the dump
        self.unpacked: Path | None = None  # the file that takes the place of an SQLite database

    @property
    def known_key(self) -> bool:
        """Whether one of the configured secret keys is the one of the backup."""
        keys = [self._settings.secret_key, *self._settings.secret_key_previous]
        return self.manifest.key_fingerprint in [key_id(key) for key in keys if key]

    @property
    def encrypted(self) -> bool | None:
        """Whether it is encrypted; None where there is no key that would do so."""
        if self._key is None:
            return None
        with (self._folder / self.manifest.database).open("rb") as file:
            return encryption.is_encrypted(file)

    def pieces(self) -> AbstractContextManager[Iterator[bytes]]:
        """The database of the backup, as plain text."""
        return files.opened(self._folder / self.manifest.database, self._key)


@asynccontextmanager
async def checked(settings: Settings, source: str, progress: Progress) -> AsyncIterator[Checked]:
    """Check a backup, all of it, and keep it at hand. Nothing is changed. Raises BackupProblem."""
    folder = folders.place(source)
    found = manifest.read(folder, folders.key_of(settings))
    backup = Checked(settings, folder, found)
    _check_kind(settings, found)
    _check_migrations(found)
    _check_digests(folder, found, progress)
    if not settings.uses_sqlite:
        backup.contents = await postgres.check(settings, backup.pieces)
        yield backup
        return
    path = database.sqlite_path(settings.database_url)
    files.make_folder(path.parent)
    with files.working_folder(path, "restore") as working:
        target = working / SQLITE
        with backup.pieces() as pieces:
            await asyncio.to_thread(sqlite.unpack, pieces, target, found)
        backup.unpacked = target
        yield backup


def _check_kind(settings: Settings, found: Manifest) -> None:
    kinds = {POSTGRES: "PostgreSQL", SQLITE: "SQLite"}
    wanted = SQLITE if settings.uses_sqlite else POSTGRES
    if found.database != wanted:
        raise BackupProblem(
            f"This is a backup of {kinds[found.database]}, and HUBBUB_DATABASE_URL names {kinds[wanted]}."
        )


def _check_migrations(found: Manifest) -> None:
    known = set(migrations.names())
    newer = [step for step in found.migrations if step not in known]
    if newer:
        raise BackupProblem(
            f"This is a backup of a newer version, {found.version}: this one does not know {newer[0]}."
        )


def _check_digests(folder: Path, found: Manifest, progress: Progress) -> None:
    missing = [name for name in found.files if not (folder / name).is_file()]
    if missing:
        raise BackupProblem(f"{folder / missing[0]} is missing.")
    advance = progress("Checking", sum((folder / name).stat().st_size for name in found.files))
    for name, digest in found.files.items():
        if files.digest(folder / name, advance) != digest:
            raise BackupProblem(f"{folder / name} is damaged: its SHA-256 is not that of the manifest.")


@asynccontextmanager
async def alone(settings: Settings, *, force: bool) -> AsyncIterator[None]:
    """While no process serves the database; `force` overrides registrations, not the lock of SQLite.

    Raises BackupProblem, DatabaseProblem.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(DatabaseLock(settings, "hubbub restore"))
        await _refuse_live(settings, force=force)
        yield


async def _refuse_live(settings: Settings, *, force: bool) -> None:
    # With its lock, no process of a SQLite database runs, whatever is registered in it.
    if not force and not settings.uses_sqlite and (live := await _live(settings)):
        raise BackupProblem(
            f"These processes run on the database: {', '.join(live)}. Stop them, or use --force. "
            f"One that was killed stays registered for {processes.EXPIRED_S:g} s."
        )


async def _live(settings: Settings) -> list[str]:
    await database.connect(settings)
    try:
        return [f"{row.kind} {row.id}" for row in await processes.live()]
    except Exception as error:
        if isinstance(errors.unwrap(error), asyncpg.UndefinedTableError):
            return []  # a database without tables, or of an older version
        raise
    finally:
        await database.close()


async def apply(settings: Settings, backup: Checked, *, force: bool) -> Restored:
    """Replace the database, and raise the epoch, in one step. Raises BackupProblem: then nothing changed."""
    await _refuse_live(settings, force=force)  # again: checking and asking took their time
    found = backup.manifest
    if settings.uses_sqlite:
        assert backup.unpacked is not None  # noqa: S101 - by `checked`
        path = database.sqlite_path(settings.database_url)
        epoch = epochs.after(found.epoch, await asyncio.to_thread(sqlite.known_epoch, path))
        await asyncio.to_thread(sqlite.raise_epoch, backup.unpacked, epoch)
        await asyncio.to_thread(sqlite.replace, path, backup.unpacked)
    else:
        epoch = epochs.after(found.epoch, await postgres.known_epoch(settings))
        await postgres_replacement.replace(settings, found, epoch, backup.contents, backup.pieces)
    metrics.count("epoch_raises", epochs.Cause.RESTORE.value)
    return Restored(epoch, [step for step in migrations.names() if step not in found.migrations])
