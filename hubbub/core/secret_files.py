"""Secrets that hubbub generates and keeps in files."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from hubbub.core import file_modes

FILE_NAMES = ("secret_key", "admin_password", "sample_password")  # of the files in the data folder


def load_or_create(folder: Path, name: str, size_bytes: int = 48) -> str:
    """Return the secret in the folder's file `name`; generate it from `size_bytes` random bytes if missing.

    Only the owner may access the file. Two processes that start at once get the same secret. Raises OSError.
    """
    path = folder / name
    if not path.exists():
        file_modes.create_folder(folder)
        _write_once(path, secrets.token_urlsafe(size_bytes))
    text = path.read_text("utf-8").strip()
    if not text:
        raise OSError(errno.ENODATA, f"{name} is empty: delete it to generate a new one", str(path))
    return text


def _write_once(path: Path, text: str) -> None:
    """Write a file atomically, unless another process was first."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file_modes.FILE_MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(temporary)
    finally:
        temporary.unlink()
