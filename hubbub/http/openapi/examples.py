"""Recorded requests and responses, one of each operation: the examples of the API document.

`make examples` records them with a test, into `examples.json`. A test validates them against the schemas.
"""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).parent.with_name("examples.json")


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A request that succeeded, and its response. Ids, times, tokens and IP addresses are normalized."""

    status: int
    path: dict[str, str] = {}  # values of the path's parameters
    query: dict[str, str] = {}
    request: Any = None  # JSON body; None if there was none
    response: Any = None  # likewise


@cache
def load() -> dict[str, Example]:
    """Return the examples by the name of the operation."""
    return msgspec.json.decode(FILE.read_bytes(), type=dict[str, Example]) if FILE.exists() else {}
