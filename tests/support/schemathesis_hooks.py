"""Hooks of schemathesis, beside the API description; it loads this module by name."""

from typing import Any

import schemathesis

# A request has one of these. OpenAPI cannot express that query parameters exclude each other.
_EXCLUSIVE_PARAMS = ("before_seq", "after_seq", "around_seq")


@schemathesis.hook
def filter_case(_context: object, case: Any) -> bool:
    """Return whether a request is tried. A cursor is opaque: only the server can create a valid one."""
    query = case.query or {}
    return "cursor" not in query and sum(name in query for name in _EXCLUSIVE_PARAMS) <= 1
