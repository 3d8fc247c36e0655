"""SQLite without waits for the disk, in the processes of the tests.

hubbub waits at each commit until the disk has it, so that a commit survives a power failure. No test cuts the
power, and some thousand tests commit. Servers that tests start as processes wait as always.
"""

from typing import Any

from hubbub.db import database

SHIPPED_CREDENTIALS = database._sqlite_credentials


def commit_without_waiting() -> None:
    """Let this process commit to SQLite without waiting for the disk."""
    database._sqlite_credentials = _unsynced


def _unsynced(url: str) -> dict[str, Any]:
    return {**SHIPPED_CREDENTIALS(url), "synchronous": "OFF"}
