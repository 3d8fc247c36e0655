"""Objects of free form that clients store: their limits."""

from typing import Any

import msgspec

from hubbub.schemas import faults

MAX_DEPTH = 8  # levels of objects and lists, the object itself included


def object_rules(max_bytes: int) -> dict[str, Any]:
    """Return the arguments of `Meta` for an object of at most `max_bytes` bytes, encoded as JSON."""

    def check(value: dict[str, Any]) -> str | None:
        return _fault(value, max_bytes)

    rule = f"At most {max_bytes} bytes as JSON, and {MAX_DEPTH} levels deep."
    return {"extra": faults.check_extra(check), "extra_json_schema": {"rule": rule}}


def _fault(value: dict[str, Any], max_bytes: int) -> str | None:
    """Return why an object can't be stored, as a sentence; None if it can."""
    if _depth_exceeds(value, MAX_DEPTH):
        return f"Must not be more than {MAX_DEPTH} levels deep."
    if not _is_text(value):
        return faults.NOT_TEXT
    is_larger = len(msgspec.json.encode(value)) > max_bytes
    return f"Must have at most {max_bytes} bytes as JSON." if is_larger else None


def _depth_exceeds(value: object, levels: int) -> bool:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if children is None:
        return False
    return levels == 0 or any(_depth_exceeds(child, levels - 1) for child in children)


def _is_text(value: object) -> bool:
    """Return whether all names and texts of a value that is not too deep can be stored."""
    if isinstance(value, str):
        return faults.is_text(value)
    if isinstance(value, dict):
        return all(faults.is_text(name) and _is_text(child) for name, child in value.items())
    return all(map(_is_text, value)) if isinstance(value, list) else True
