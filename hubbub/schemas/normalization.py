"""Normalizes the text of payloads before it is checked: spaces around lines, repeated words."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

# The `extra` of a type's Meta: what is normalized.
TRIMMED: dict[str, Any] = {"trimmed": True}  # a line, or each word of a list
DISTINCT: dict[str, Any] = {"distinct": True}  # a list keeps the first of equal words


def normalize(kind: type[msgspec.Struct], raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a payload whose trimmed fields have no surrounding space, and whose lists have no duplicates.

    Values of another type than the field's are unchanged: they are rejected later.
    """
    changed: dict[str, Any] = {}
    for name, distinct in _normalized_fields(kind):
        value = raw.get(name)
        if isinstance(value, str):
            changed[name] = value.strip()
        elif isinstance(value, list) and all(isinstance(word, str) for word in value):
            words = [word.strip() for word in value]
            changed[name] = list(dict.fromkeys(words)) if distinct else words
    return {**raw, **changed} if changed else raw


@cache
def _normalized_fields(kind: type[msgspec.Struct]) -> tuple[tuple[str, bool], ...]:
    """Return the names of the fields that are trimmed, and whether their words are made distinct."""
    found = []
    for field in msgspec.structs.fields(kind):
        described = inspect.type_info(field.type)
        options = described.types if isinstance(described, inspect.UnionType) else (described,)
        for each in options:
            extra = each.extra or {} if isinstance(each, inspect.Metadata) else {}
            if "trimmed" in extra:
                found.append((field.encode_name, "distinct" in extra))
    return tuple(found)
