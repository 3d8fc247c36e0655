"""Files of a backup: written and read with their SHA-256, encrypted if there is a key."""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from hubbub.core import file_modes
from hubbub.services.backups import encryption
from hubbub.services.backups.encryption import Undecryptable

READ_CHUNK_BYTES = 1 << 20

Advance = Callable[[int], None]


class BackupProblem(Exception):
    """A backup can't be written, checked or restored.

    The message is one line with the reason and the remedy.
    """


def create_file(path: Path) -> BinaryIO:
    """Create a file that only the owner can read, independent of the umask."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, file_modes.FILE_MODE)
    os.fchmod(descriptor, file_modes.FILE_MODE)
    return os.fdopen(descriptor, "w+b")


@contextmanager
def locked_temporary(path: Path) -> Iterator[None]:
    """Lock a temporary file or folder while it is in use, and remove it at the end if it still exists."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        _remove(path)
        os.close(descriptor)


def remove_abandoned(folder: Path, pattern: str) -> None:
    """Remove temporary files of processes that were killed."""
    for path in folder.glob(pattern):
        with suppress(OSError):  # in use, or removed by another process
            descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path)
            finally:
                os.close(descriptor)


@contextmanager
def working_folder(path: Path, purpose: str) -> Iterator[Path]:
    """Create a folder beside a database, on the same disk, and remove it at the end.

    Folders of the same purpose that earlier processes left are removed first.
    """
    pattern = f".{path.name}.{purpose}-"
    remove_abandoned(path.parent, f"{pattern}*")
    folder = path.with_name(f"{pattern}{secrets.token_hex(4)}")
    file_modes.create_folder(folder)
    with locked_temporary(folder):
        yield folder


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


class Writer:
    """A backup file that is being written; a context manager."""

    def __init__(self, folder: Path, name: str, key: bytes | None) -> None:
        self._file = create_file(folder / name)  # open for writing
        self._digest = hashlib.sha256()  # of the bytes in the file
        self._encryptor = encryption.Encryptor(key, name) if key is not None else None  # None: plain text

    def write(self, data: bytes) -> None:
        """Append plain text."""
        self._append(self._encryptor.update(data) if self._encryptor is not None else data)

    def _append(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)

    def finish(self) -> str:
        """Write the remaining bytes to the disk. Returns the SHA-256 of the stored file."""
        if self._encryptor is not None:
            self._append(self._encryptor.finish())
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def digest(path: Path, advance: Advance = lambda _: None) -> str:
    """Return the SHA-256 of a stored file. `advance` receives the number of bytes read."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(READ_CHUNK_BYTES):
            hasher.update(piece)
            advance(len(piece))
    return hasher.hexdigest()


@contextmanager
def open_decrypted(path: Path, key: bytes | None) -> Iterator[Iterator[bytes]]:
    """Yield the plain text of a file, in pieces. Raises BackupProblem, also during reading."""
    with path.open("rb") as file:
        if not encryption.is_encrypted(file):
            yield iter(lambda: file.read(READ_CHUNK_BYTES), b"")
        elif key is None:
            raise BackupProblem(f"{path} is encrypted. Set HUBBUB_BACKUP_KEY to the key of this backup.")
        else:
            yield _decrypt(path, file, key)


def _decrypt(path: Path, file: BinaryIO, key: bytes) -> Iterator[bytes]:
    try:
        yield from encryption.decrypt(file, key, path.name)
    except Undecryptable:
        raise BackupProblem(
            f"{path} can't be decrypted: HUBBUB_BACKUP_KEY is not its key, or the file is damaged."
        ) from None
