"""The file of an SQLite database."""

from pathlib import Path
from urllib.parse import unquote

from hubbub.config import Settings

IN_MEMORY = ":memory:"


def sqlite_path(url: str) -> Path:
    """Return the path of `sqlite://relative/path` or `sqlite:///absolute/path`."""
    return Path(unquote(url.removeprefix("sqlite://").partition("?")[0]))


def is_in_memory(settings: Settings) -> bool:
    """Return whether the database is in memory, where only this process can use it."""
    return settings.uses_sqlite and str(sqlite_path(settings.database_url)) == IN_MEMORY


def sqlite_missing(settings: Settings) -> bool:
    """Return whether the file of an SQLite database is still to be created.

    False if that can't be determined: connecting then reports the reason.
    """
    if not settings.uses_sqlite:
        return False
    try:
        sqlite_path(settings.database_url).stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False
