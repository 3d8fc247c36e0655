"""Files and folders that hubbub creates: only their owner may access them, whatever the umask."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

PRIVATE_UMASK = 0o077
FOLDER_MODE, FILE_MODE = 0o700, 0o600


def create_folder(folder: Path) -> None:
    """Create a folder and its missing parents. Raises OSError."""
    if folder.is_dir():
        return
    if folder.parent != folder:
        create_folder(folder.parent)
    try:
        folder.mkdir(FOLDER_MODE)
        folder.chmod(FOLDER_MODE)
    except FileExistsError:
        if not folder.is_dir():  # else it was created by another process
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from None


def create_file(path: Path) -> None:
    """Create an empty file. An existing file is unchanged. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk, so that they survive a power failure. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def accessible_to_others(paths: Iterable[Path]) -> list[str]:
    """Return those of the files that other users may read or write, with their modes."""
    found = []
    for path in paths:
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError:  # missing, or removed meanwhile
            continue
        if path.is_file() and mode & PRIVATE_UMASK:
            found.append(f"{path} ({mode:04o})")
    return found
