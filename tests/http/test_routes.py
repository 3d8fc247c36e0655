"""The names of operations, of which clients' generators make functions, are what they were."""

import re
from pathlib import Path
from typing import Any

import pytest

from hubbub.http.app import openapi_document

COMMITTED = Path(__file__).with_name("operations.txt")
NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")


@pytest.fixture
def operations() -> list[dict[str, Any]]:
    """All operations of the API description, each with its method and path."""
    paths: dict[str, dict[str, Any]] = openapi_document("/")["paths"]
    return [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def test_the_operations_are_the_committed_ones(operations: list[dict[str, Any]]) -> None:
    """A new operation adds a line; a changed line breaks every generated client."""
    found = [f"{it['method']} {it['path']} {it['operationId']} {it['tags'][0]}" for it in operations]

    assert found == COMMITTED.read_text().splitlines()


def test_each_operation_is_one_noun_and_one_verb_and_unique(operations: list[dict[str, Any]]) -> None:
    names = [it["operationId"] for it in operations]

    assert [name for name in names if not NAME.fullmatch(name)] == []
    assert len(set(names)) == len(names)
