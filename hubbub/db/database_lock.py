"""The lock of a SQLite database: one process serves it, although others may read and write it."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from hubbub.config import Settings
from hubbub.core import file_modes
from hubbub.db import database
from hubbub.db.database import DatabaseProblem

MAX_HOLDER_BYTES = 200  # of the holder's name in the lock file


class DatabaseLock:
    """Lock that `serve`, `worker`, `scheduler` and commands that replace the database hold while they run.

    A context manager. The kernel releases the lock when the process ends for any reason. PostgreSQL and
    databases in memory need no lock: for them the class does nothing.
    """

    def __init__(self, settings: Settings, holder: str) -> None:
        """Prepare the lock; `holder` names this process in the error of another one: `hubbub serve`."""
        self._path = lock_path(settings)  # None where no lock is needed
        self._holder = holder
        self._file: int | None = None  # descriptor of the lock file while the lock is held

    def acquire(self) -> Self:
        """Take the lock without waiting. Raises DatabaseProblem with one line that names the holder."""
        if self._path is None or self._file is not None:
            return self
        try:
            file_modes.create_folder(self._path.parent)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            where = error.filename or self._path
            raise DatabaseProblem(
                f"The database {self._path.with_suffix('')} can't be used: {where}: {error.strerror}. Are "
                "the folder and its permissions right?"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(file, MAX_HOLDER_BYTES, 0).decode(errors="replace").strip() or "another process"
            os.close(file)
            if not isinstance(error, BlockingIOError):
                raise DatabaseProblem(f"{self._path} can't be locked: {error.strerror}.") from error
            raise DatabaseProblem(
                f"The database {self._path.with_suffix('')} is in use by {holder}. Stop it first: "
                "one process serves a SQLite database."
            ) from None
        self._file = file
        os.ftruncate(file, 0)
        os.pwrite(file, f"{self._holder}, process {os.getpid()}\n".encode()[:MAX_HOLDER_BYTES], 0)
        return self

    def release(self) -> None:
        """Release the lock. The file remains, because another process may lock it. Safe to call twice."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # a full disk
                os.ftruncate(file, 0)
            os.close(file)

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def lock_path(settings: Settings) -> Path | None:
    """Return the lock's file: the database's name plus `.lock`; None where no lock is needed."""
    if not settings.uses_sqlite or database.is_in_memory(settings):
        return None
    path = database.sqlite_path(settings.database_url)
    return path.with_name(f"{path.name}.lock")
