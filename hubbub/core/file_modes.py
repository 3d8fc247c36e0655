"""Permissions of files and folders: only the owner may access what hubbub creates, whatever the umask."""

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
    folder.mkdir(mode=FOLDER_MODE, exist_ok=True)


def create_file(path: Path) -> None:
    """Create an empty file. An existing file is unchanged. Raises OSError."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))


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
