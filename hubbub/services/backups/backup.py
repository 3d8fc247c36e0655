"""Writing a backup: the database and a manifest, verified before the folder has its name."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from hubbub.config import Settings
from hubbub.core.auth_tokens import key_id
from hubbub.db import database
from hubbub.services.backups import files, folders, manifest, postgres, sqlite
from hubbub.services.backups.files import Advance, BackupProblem, Writer
from hubbub.services.backups.manifest import POSTGRES, SQLITE, Manifest


class Progress(Protocol):
    """How far a command is."""

    def __call__(self, label: str, total: int) -> Advance:
        """Begin a step of so many bytes; the returned function takes how many of them are done."""


class Written(NamedTuple):
    """A backup that is complete and verified."""

    path: Path
    manifest: Manifest
    size: int


async def write(settings: Settings, url: str, progress: Progress) -> Written:
    """Back up the database to a new folder in `url`. Raises BackupProblem, DatabaseProblem, OSError."""
    folder = folders.place(url)
    key = folders.key_of(settings)
    with folders.partial(folder) as made:
        if settings.uses_sqlite:
            found = await _sqlite(settings, made, key, progress)
        else:
            found = await _postgres(settings, made, key, progress)
        digest = manifest.write(made, found, key)
        _verify(made, {**found.files, manifest.NAME: digest}, key, found, progress)
        size = sum(each.stat().st_size for each in made.iterdir())
        return Written(folders.publish(made), found, size)


async def _postgres(settings: Settings, made: Path, key: bytes | None, progress: Progress) -> Manifest:
    advance = progress("Dumping", await postgres.size(settings))
    with Writer(made, POSTGRES, key) as writer:
        dumped = await postgres.dump(settings, writer, advance)
    return Manifest(
        migrations=dumped.migrations,
        epoch=dumped.epoch,
        row_counts=dumped.row_counts,
        highest_seqs=dumped.highest_seqs,
        files={POSTGRES: dumped.digest},
        key_fingerprint=_fingerprint(settings),
    )


async def _sqlite(settings: Settings, made: Path, key: bytes | None, progress: Progress) -> Manifest:
    path = database.sqlite_path(settings.database_url)
    with _copy(path, made, key) as target:
        copied = await asyncio.to_thread(sqlite.copy, path, target, _pages(path, progress))
        if key is None:
            digest = files.digest(target)
        else:
            with Writer(made, SQLITE, key) as writer, target.open("rb") as plain:
                while piece := plain.read(files.PIECE):
                    writer.write(piece)
                digest = writer.finish()
        files.sync_folder(made)
    return Manifest(
        migrations=copied.migrations,
        epoch=copied.epoch,
        row_counts=copied.row_counts,
        highest_seqs=copied.highest_seqs,
        files={SQLITE: digest},
        key_fingerprint=_fingerprint(settings),
    )


@contextmanager
def _copy(path: Path, made: Path, key: bytes | None) -> Iterator[Path]:
    """Where the copy is written: plain text that is to be encrypted stays beside the database."""
    if key is None:
        yield made / SQLITE
        return
    with files.working_folder(path, "backup") as folder:
        yield folder / SQLITE


def _pages(path: Path, progress: Progress) -> sqlite.Progress:
    advance = progress("Copying", path.stat().st_size if path.is_file() else 0)
    done = 0

    def step(left: int, total: int) -> None:
        nonlocal done
        size = path.stat().st_size
        now = size * (total - left) // max(total, 1)
        advance(max(0, now - done))
        done = max(done, now)

    return step


def _fingerprint(settings: Settings) -> str:
    return key_id(settings.secret_key) if settings.secret_key else ""


def _verify(
    made: Path, digests: dict[str, str], key: bytes | None, written: Manifest, progress: Progress
) -> None:
    """Read everything again from the disk. Raises BackupProblem."""
    advance = progress("Verifying", sum((made / name).stat().st_size for name in digests))
    for name, digest in digests.items():
        if files.digest(made / name, advance) != digest:
            raise BackupProblem(f"{made / name} is not what was written: is the disk damaged?")
        if key is not None:
            with files.opened(made / name, key) as pieces:
                for _ in pieces:
                    """Decrypted, to its end."""
    if manifest.read(made, key) != written:
        raise BackupProblem(f"{made / manifest.NAME} is not what was written: is the disk damaged?")
