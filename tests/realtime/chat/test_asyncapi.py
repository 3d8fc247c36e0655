"""The AsyncAPI document has every event of the tables, and its schemas describe what is sent."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from hubbub.realtime.chat import asyncapi
from hubbub.realtime.chat.namespace import ChatNamespace
from hubbub.schemas.events import EVENTS
from tests.support.live_instance import LiveInstance

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(asyncapi.document("https://chat.example.com")))
RECORDED = Path(__file__).parents[2] / "schemas" / "recorded_events.tsv"
MESSAGES = {message["name"]: message for message in DOCUMENT["components"]["messages"].values()}


def _resolve(ref: str) -> Any:
    part: Any = DOCUMENT
    for key in ref.removeprefix("#/").split("/"):
        part = part[key]
    return part


def _refs(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        part = list(part.values())
    if isinstance(part, list):
        for each in part:
            yield from _refs(each)


def _names(action: str) -> set[str]:
    """The events of the operations with an action."""
    return {
        _resolve(_resolve(ref["$ref"])["$ref"])["name"]
        for operation in DOCUMENT["operations"].values()
        for ref in operation["messages"]
        if operation["action"] == action
    }


def test_every_event_of_the_tables_is_an_operation() -> None:
    assert _names("receive") == asyncapi.incoming().keys()
    assert _names("send") == EVENTS.keys()
    assert len(DOCUMENT["operations"]) == len(asyncapi.incoming()) + len(EVENTS)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_events_of_clients_are_those_that_an_instance_reads(instance: LiveInstance) -> None:
    read = {name: event.kind for name, event in instance.app.chat._dispatcher._events}

    assert {name: event.command for name, event in asyncapi.incoming().items()} == read
    assert (
        asyncapi.incoming()["auth:refresh"].result
        is inspect.signature(ChatNamespace._refresh_auth).return_annotation
    )


@pytest.mark.parametrize("name", asyncapi.incoming())
def test_an_event_of_clients_has_its_command_and_the_result_of_its_operation(name: str) -> None:
    event = asyncapi.incoming()[name]

    reply = DOCUMENT["operations"][name.replace(":", ".")]["reply"]["messages"]
    acks = [_resolve(_resolve(ref["$ref"])["$ref"])["payload"] for ref in reply]

    assert MESSAGES[name]["payload"] == {"$ref": f"#/components/schemas/{event.command.__name__}"}
    assert MESSAGES[name]["summary"].endswith(".")
    assert [ack["properties"]["ok"]["const"] for ack in acks] == [True, False]
    assert acks[0]["properties"]["data"] == {"$ref": f"#/components/schemas/{event.result.__name__}"}
    assert acks[1]["properties"]["error"] == {"$ref": "#/components/schemas/ErrorBody"}


def test_every_reference_is_resolvable_and_every_schema_is_used() -> None:
    refs = set(_refs(DOCUMENT))

    assert [ref for ref in refs if not _resolve(ref)] == []
    assert {ref for ref in refs if "/schemas/" in ref} | {"#/components/schemas/ConnectAuth"} == {
        f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]
    }
    assert '"lazy"' not in json.dumps(DOCUMENT)


@pytest.mark.parametrize("line", RECORDED.read_text().splitlines(), ids=lambda line: line.split("\t")[0])
def test_a_payload_has_the_shape_of_its_schema(line: str) -> None:
    sample, payload = line.split("\t")
    name = next(name for name in sorted(EVENTS, key=len, reverse=True) if sample.split(" ")[0] == name)
    schema = {**MESSAGES[name]["payload"], "components": DOCUMENT["components"]}

    Draft202012Validator(schema).validate(json.loads(payload))

    fields = _resolve(MESSAGES[name]["payload"]["$ref"])
    assert set(fields.get("required", ())) <= json.loads(payload).keys() <= fields["properties"].keys()


def test_the_order_of_the_document_is_stable() -> None:
    schemas = list(DOCUMENT["components"]["schemas"])

    assert schemas == sorted(schemas)
    assert json.dumps(DOCUMENT) == json.dumps(asyncapi.document("https://chat.example.com"))


def test_a_document_without_a_public_url_names_no_server() -> None:
    assert "servers" not in asyncapi.document(None)
