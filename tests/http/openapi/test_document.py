"""The texts of the API document: imperative summaries, and descriptions that add to the names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from hubbub.http.app import openapi_document
from hubbub.http.openapi.schemas import PROBLEM_SCHEMA

DOCUMENT = openapi_document()
VERBS = {
    *("Add", "Advance", "Change", "Complete", "Confirm", "Create", "Delete", "Disable", "Edit", "Enable"),
    *(
        "Exchange",
        "Export",
        "Generate",
        "Import",
        "Get",
        "Join",
        "Leave",
        "List",
        "Log",
        "Mark",
        "React",
        "Receive",
        "Redirect",
        "Upload",
    ),
    *("Cancel", "Pause", "Retry", "Start", "Switch"),
    *(
        "Register",
        "Remove",
        "Replace",
        "Reset",
        "Revoke",
        "Search",
        "Send",
        "Set",
        "Undo",
        "Unlink",
        "Update",
    ),
    "Verify",
}
FILLERS = {"a", "an", "and", "of", "the", "is", "are", "its"}


def words(text: str) -> set[str]:
    """The words of a text or a name, without plural endings."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    found = re.findall(r"[a-z0-9]+", spaced.lower())
    return {word.removesuffix("s") for word in found if word not in FILLERS}


def repeats(description: str, name: str) -> bool:
    """Whether a description says nothing that the name does not say."""
    return words(description) <= words(name)


def operations() -> list[dict[str, Any]]:
    return [operation for each in DOCUMENT["paths"].values() for operation in each.values()]


def described(schema: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    """The properties of a schema and of the schemas in it: path, name, description."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", f"{path.rpartition('.')[2]} {name}", field.get("description", "")
        yield from described(field, f"{path}.{name}")
    if "items" in schema:
        yield from described(schema["items"], f"{path}[]")


def fields() -> Iterator[tuple[str, str, str]]:
    for name, schema in {**DOCUMENT["components"]["schemas"], "Problem": PROBLEM_SCHEMA}.items():
        yield from described(schema, name)
    for operation in operations():
        name = operation["operationId"]
        for parameter in operation["parameters"]:
            yield f"{name}?{parameter['name']}", parameter["name"], parameter.get("description", "")
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        yield from described(body.get("schema", {}), f"{name} body")
        for response in operation["responses"].values():
            envelope = response.get("content", {}).get("application/json", {}).get("schema", {})
            yield from described(envelope.get("properties", {}).get("meta", {}), f"{name} meta")


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation["operationId"])
def test_each_operation_has_an_imperative_summary_and_a_description(operation):
    summary, description = operation["summary"], operation["description"]

    assert summary.partition(" ")[0] in VERBS
    assert len(summary) <= 70
    assert not re.search(r"[.;:]", summary)
    assert re.fullmatch(r"[A-Z`].*\.", description)
    assert not repeats(description, f"{operation['operationId']} {summary}")


def test_each_field_has_a_description_that_adds_to_its_name():
    found = list(fields())

    assert len(found) > 300
    assert [path for path, name, text in found if not text or repeats(text, name)] == []
    assert [path for path, _, text in found if not re.match(r"[A-Z`]", text)] == []


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("Room name", "The name of the room."),
        ("Session created_at", "Created at."),
        ("rooms.leave Leave a room", "Leave the room."),
    ],
)
def test_a_description_that_repeats_the_name_is_refused(name, description):
    assert repeats(description, name)
