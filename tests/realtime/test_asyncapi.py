"""The AsyncAPI document has every event of the tables, and its schemas describe what is sent."""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from hubbub.realtime import asyncapi
from hubbub.realtime.asyncapi import CHANNELS, CHAT, INBOX
from hubbub.realtime.sockets.namespace import SocketNamespace
from tests.support.live_instance import LiveInstance

DOCUMENT: dict[str, Any] = json.loads(msgspec.json.encode(asyncapi.document("https://chat.example.com")))
RECORDED = Path(__file__).parents[1] / "schemas" / "recorded_events.tsv"
MESSAGES = DOCUMENT["components"]["messages"]
EVENTS_OF_CLIENTS = [(channel, name) for channel in CHANNELS for name in asyncapi.incoming(channel)]


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


def _names(channel: asyncapi.Channel, action: str) -> set[str]:
    """The events of the operations of a channel with an action."""
    return {
        _resolve(_resolve(ref["$ref"])["$ref"])["name"]
        for operation in DOCUMENT["operations"].values()
        for ref in operation["messages"]
        if operation["action"] == action and operation["channel"] == {"$ref": f"#/channels/{channel.name}"}
    }


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_event_of_the_tables_is_an_operation(channel: asyncapi.Channel) -> None:
    assert _names(channel, "receive") == asyncapi.incoming(channel).keys()
    assert _names(channel, "send") == channel.events.keys()
    assert len(DOCUMENT["operations"]) == sum(
        len(asyncapi.incoming(each)) + len(each.events) for each in CHANNELS
    )


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_events_of_clients_are_those_that_an_instance_reads(instance: LiveInstance) -> None:
    for channel, namespace in ((CHAT, instance.app.chat), (INBOX, instance.app.notifications)):
        read = {name: event.kind for name, event in namespace._dispatcher._events}

        assert {name: event.command for name, event in asyncapi.incoming(channel).items()} == read
        assert (
            asyncapi.incoming(channel)["auth:refresh"].result
            is inspect.signature(SocketNamespace._refresh_auth).return_annotation
        )


@pytest.mark.parametrize(
    ("channel", "name"),
    EVENTS_OF_CLIENTS,
    ids=[f"{channel.name}-{name}" for channel, name in EVENTS_OF_CLIENTS],
)
def test_an_event_of_clients_has_its_command_and_the_result_of_its_operation(
    channel: asyncapi.Channel, name: str
) -> None:
    event, key = asyncapi.incoming(channel)[name], channel.prefix + name.replace(":", ".")

    reply = DOCUMENT["operations"][key]["reply"]["messages"]
    acks = [_resolve(_resolve(ref["$ref"])["$ref"])["payload"] for ref in reply]

    assert MESSAGES[key]["payload"] == {"$ref": f"#/components/schemas/{event.command.__name__}"}
    assert MESSAGES[key]["summary"].endswith(".")
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
    name = sample.split(" ")[0].replace(":", ".")
    name = f"{name}.event" if f"{name}.event" in MESSAGES else name
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
