"""Hooks of schemathesis, beside the API description; it loads this module by name."""

from typing import Any

import schemathesis

# Of which a request has one: OpenAPI can't say that parameters of a query exclude each other.
_EXCLUSIVE_PARAMS = ("before_seq", "after_seq", "around_seq")


@schemathesis.hook
def filter_case(_context: object, case: Any) -> bool:
    """Whether a request is tried. A cursor is opaque: only the server knows a good one."""
    query = case.query or {}
    return "cursor" not in query and sum(name in query for name in _EXCLUSIVE_PARAMS) <= 1
