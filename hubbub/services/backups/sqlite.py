"""SQLite in a backup: copied while in use, checked as a file of its own, replaced by a rename."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from hubbub.core import clock, file_modes
from hubbub.queries.eventlog import epochs
from hubbub.services.backups import files
from hubbub.services.backups.files import BackupProblem
from hubbub.services.backups.manifest import Manifest, highest_seqs
from hubbub.services.eventlog.epochs import Cause

PAGES_PER_STEP = 2000
BUSY_TIMEOUT_S = 10.0
EXCLUDED_TABLE = "processes"  # registrations of running processes are not backed up
SIDE_FILE_SUFFIXES = ("-wal", "-shm", "-journal")

PageProgress = Callable[[int, int], None]


class CopyResult(NamedTuple):
    """What was copied."""

    epoch: str
    migrations: list[str]
    row_counts: dict[str, int]
    highest_seqs: list[int]


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open an existing database file. Raises BackupProblem."""
    url = f"file:{quote(str(path))}?mode=rw"
    try:
        with closing(
            sqlite3.connect(url, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        ) as connection:
            yield connection
    except sqlite3.Error as error:
        raise BackupProblem(f"The database {path} is not usable: {error}.") from error


def copy(path: Path, target: Path, progress: PageProgress) -> CopyResult:
    """Copy a database to a new file, also while it is written. Raises BackupProblem.

    `progress` receives the remaining pages and the total.
    """
    if not path.is_file():
        raise BackupProblem(f"The database {path} {'is not a file' if path.exists() else 'does not exist'}.")
    with _open(path) as source:
        # A read transaction: the copy is of this moment and does not restart when another process writes.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        files.create_file(target).close()
        with _open(target) as destination:
            source.backup(
                destination, pages=PAGES_PER_STEP, progress=lambda _, left, total: progress(left, total)
            )
        source.execute("ROLLBACK")
    with _open(target) as destination:
        destination.execute("PRAGMA journal_mode = DELETE")
        if "state" not in _tables(destination):
            raise BackupProblem(f"The database {path} has no tables of hubbub.")
        if EXCLUDED_TABLE in _tables(destination):
            destination.execute(f"DELETE FROM {EXCLUDED_TABLE}")
        _check_integrity(destination, target)
        return _describe(destination)


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return sorted(row[0] for row in rows)


def _describe(connection: sqlite3.Connection) -> CopyResult:
    epoch = connection.execute("SELECT value FROM state WHERE key = ?", [epochs.EPOCH_KEY]).fetchone()
    return CopyResult(
        epoch[0] if epoch else "",
        [row[0] for row in connection.execute("SELECT version FROM aerich ORDER BY id")],
        {
            table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
            for table in _tables(connection)
        },
        highest_seqs([row[0] for row in connection.execute("SELECT last_seq FROM rooms ORDER BY id")]),
    )


def _check_integrity(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if found != "ok":
        raise BackupProblem(f"{path} is damaged: {found}.")
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise BackupProblem(f"{path} is damaged: rows refer to rows that are missing.")


def unpack(chunks: Iterable[bytes], target: Path, manifest: Manifest) -> None:
    """Write the database of a backup to a new file, and check it. Raises BackupProblem."""
    with files.create_file(target) as file:
        for piece in chunks:
            file.write(piece)
    with _open(target) as connection:
        _check_integrity(connection, target)
        if _describe(connection).row_counts != manifest.row_counts:
            raise BackupProblem(f"The row counts of {target} differ from the manifest.")


def raise_epoch(path: Path, epoch: str) -> None:
    """Store a new epoch in a database that is not in use, and write it to the disk."""
    with _open(path) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        values = {epochs.EPOCH_KEY: epoch, epochs.CAUSE_KEY: epochs.cause_text(epoch, Cause.RESTORE.value)}
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO state (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            values.items(),
        )
        connection.execute("COMMIT")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def current_epoch(path: Path) -> str:
    """Return the epoch of the database; empty if it has none or can't be read."""
    with suppress(BackupProblem), _open(path) as connection:
        found = connection.execute("SELECT value FROM state WHERE key = ?", [epochs.EPOCH_KEY]).fetchone()
        return found[0] if found else ""
    return ""


def replace(path: Path, new: Path) -> None:
    """Replace a database by a checked file. Raises BackupProblem: nothing has changed then.

    The old database becomes a single file first, so that no write-ahead log remains that SQLite would apply
    to the new one. If another program has it open, or has locked it, the call is refused.
    """
    if not path.is_file() or not _is_database(path):
        _move_aside(path)
        _replace_file(path, new)
        return
    with _open(path) as old:
        old.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            (mode,) = old.execute("PRAGMA journal_mode = DELETE").fetchone()
            old.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise BackupProblem(
                f"The database {path} is in use by another program ({error}). Stop it."
            ) from None
        if mode != "delete":
            raise BackupProblem(f"The database {path} is in use by another program. Stop it.")
        _replace_file(path, new)


def _is_database(path: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=rw", uri=True)) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as error:
        return error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
    return True


def _move_aside(path: Path) -> None:
    """Rename a file that is no database, and the side files of one."""
    aside = path.with_name(f"{path.name}.damaged-{clock.now():%Y%m%dT%H%M%SZ}")
    if path.is_file():
        aside.hardlink_to(path)
    for end in SIDE_FILE_SUFFIXES:
        with suppress(FileNotFoundError):
            path.with_name(path.name + end).rename(aside.with_name(aside.name + end))


def _replace_file(path: Path, new: Path) -> None:
    new.replace(path)
    file_modes.sync_folder(path.parent)
