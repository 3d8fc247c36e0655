"""The lock beside a SQLite database: one process serves it, whatever else reads and writes beside."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from hubbub.config import Settings
from hubbub.core import file_modes
from hubbub.db import database
from hubbub.db.database import DatabaseProblem

IN_MEMORY = ":memory:"
MAX_HOLDER_BYTES = 200  # of the text that names the holder


class DatabaseLock:
    """Held by `serve`, `worker` and `scheduler` while they run, and by commands that replace the database.

    A context manager. The kernel releases the lock when the process ends, however it ends. PostgreSQL, and a
    database in memory, need none: then this does nothing.
    """

    def __init__(self, settings: Settings, holder: str) -> None:
        """`holder` names this process in the message that another one prints: `hubbub serve`."""
        self._path = lock_path(settings)
        self._holder = holder
        self._file: int | None = None

    def acquire(self) -> Self:
        """Take the lock; it does not wait. Raises DatabaseProblem with one line that names the holder."""
        if self._path is None or self._file is not None:
            return self
        try:
            file_modes.create_folder(self._path.parent)
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DatabaseProblem(f"{self._path} can't be opened: {error.strerror}.") from error
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
        """Release the lock. The file stays: another process may be about to lock it. Safe to call twice."""
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
    """Return the lock's file: the database's name with `.lock` behind it. None where there is no lock."""
    if not settings.uses_sqlite or str(path := database.sqlite_path(settings.database_url)) == IN_MEMORY:
        return None
    return path.with_name(f"{path.name}.lock")
