"""The AsyncAPI 3.0 document of all namespaces, generated from the tables of events and their structs."""

import inspect
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec

from hubbub import __version__
from hubbub.realtime.chat import events as chat
from hubbub.realtime.notifications import events as inbox
from hubbub.realtime.sockets.dispatch import Events
from hubbub.schemas import texts
from hubbub.schemas.base import Command
from hubbub.schemas.errors import ErrorBody
from hubbub.schemas.eventlog.entries import SyncResponse
from hubbub.schemas.events import EVENTS, Direction, EventSpec
from hubbub.schemas.notifications.events import INBOX_EVENTS
from hubbub.schemas.sync.connection import ConnectAuth, Expiry, RefreshAuth

REJECTED = "rejected"  # the key of the ack that reports an error
_SCHEMA_REF = "#/components/schemas/{name}"
_ACTIONS = {Direction.TO_SERVER: "receive", Direction.TO_CLIENT: "send"}  # as the server's
_DESCRIPTION = """\
Socket.IO (protocol 5, Engine.IO 4) at the path `/socket.io/`, namespaces `/chat` and `/notifications`, on
WebSocket and long-polling. A client sends a `ConnectAuth` as the `auth` of its CONNECT. Each event takes one
JSON object. An ack has `ok`, and `data` or `error`. `docs/protocol.md` describes order and durability."""
_SYNC_RESULTS = get_args(get_args(get_type_hints(SyncResponse)["rooms"])[1])  # of a room


class Channel(NamedTuple):
    """A namespace: its tables of events."""

    name: str  # in the document
    namespace: str
    table: Events  # the events that clients send
    events: Mapping[str, EventSpec]  # the events that the server sends, by name
    prefix: str = ""  # of the keys of its messages and operations


CHAT = Channel("chat", chat.NAMESPACE, chat.events, EVENTS)
INBOX = Channel("notifications", inbox.NAMESPACE, inbox.events, INBOX_EVENTS, "notifications.")
CHANNELS = (CHAT, INBOX)


class IncomingEvent(NamedTuple):
    """An event that clients send, with the `data` of its ack."""

    command: type[Command]
    result: type[msgspec.Struct]
    description: str


def incoming(channel: Channel = CHAT) -> dict[str, IncomingEvent]:
    """Return the events that clients send, by name, in the order of their table."""
    found = {
        name: IncomingEvent(
            event.kind,  # type: ignore[arg-type] # every kind is a command
            inspect.signature(event.operation).return_annotation,
            inspect.cleandoc(event.operation.__doc__ or "").partition("\n")[0],  # the rest is for callers
        )
        for name, event in channel.table
    }
    # The namespace adds it: it needs the socket.
    renewal = "Renew the access token of the socket. The token is one of the same user and session."
    return {**found, "auth:refresh": IncomingEvent(RefreshAuth, Expiry, renewal)}


def document(server: str | None) -> dict[str, Any]:
    """Return the document. `server` is the public URL, where it is known."""
    requests = [request for channel in CHANNELS for request in incoming(channel).values()]
    messages: dict[str, Any] = {REJECTED: _rejection()}
    operations: dict[str, Any] = {}
    channels: dict[str, Any] = {}
    for channel in CHANNELS:
        own_messages, own_operations = _describe(channel)
        messages |= own_messages
        operations |= own_operations
        keys = [*own_messages, REJECTED]
        channels[channel.name] = {
            "address": channel.namespace,
            "messages": {key: _message_ref(key) for key in keys},
        }
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "hubbub", "version": __version__, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        **({"servers": {"hubbub": _server(server)}} if server else {}),
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": _schemas(requests)},
    }


def _describe(channel: Channel) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the messages and the operations of a namespace, by key."""
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for name, request in incoming(channel).items():
        key = _key(channel, name)
        messages[key] = _message(name, request.description, _ref(request.command))
        messages[f"{key}.ack"] = _ack(name, _ref(request.result))
        replies = [_channel_message(channel, f"{key}.ack"), _channel_message(channel, REJECTED)]
        reply = {"channel": _channel_ref(channel), "messages": replies}
        operations[key] = {**_operation(channel, key, Direction.TO_SERVER), "reply": reply}
    for name, spec in channel.events.items():
        key = _key(channel, name)
        if key in operations:  # clients send an event of the same name
            key += ".event"
        messages[key] = {
            **_message(name, spec.description, _ref(spec.struct)),
            "tags": [{"name": spec.kind.value}],
        }
        operations[key] = _operation(channel, key, spec.direction)
    return messages, operations


def _key(channel: Channel, name: str) -> str:
    """Return a key for the maps of the document, which take letters, digits and `. - _`."""
    return channel.prefix + name.replace(":", ".")


def _server(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "host": parts.netloc,
        "pathname": "/socket.io/",
        "protocol": "wss" if parts.scheme == "https" else "ws",
    }


def _message(name: str, description: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "summary": description, "payload": payload}


def _ack(name: str, data: dict[str, Any]) -> dict[str, Any]:
    return _message(f"{name} ack", "The event was handled.", _ack_schema(ok=True, data=data))


def _rejection() -> dict[str, Any]:
    return _message("error ack", "The event was rejected.", _ack_schema(ok=False, error=_ref(ErrorBody)))


def _ack_schema(*, ok: bool, **field: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {"ok": {"const": ok}, **field}, "required": ["ok", *field]}


def _operation(channel: Channel, key: str, direction: Direction) -> dict[str, Any]:
    messages = [_channel_message(channel, key)]
    return {"action": _ACTIONS[direction], "channel": _channel_ref(channel), "messages": messages}


def _channel_ref(channel: Channel) -> dict[str, str]:
    return {"$ref": f"#/channels/{channel.name}"}


def _channel_message(channel: Channel, key: str) -> dict[str, str]:
    return {"$ref": f"#/channels/{channel.name}/messages/{key}"}


def _message_ref(key: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{key}"}


def _ref(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _SCHEMA_REF.format(name=struct.__name__)}


def _schemas(requests: Iterable[IncomingEvent]) -> dict[str, Any]:
    """Return the schemas of all structs, sorted by name."""
    requests = list(requests)
    commands: list[type[Command]] = [ConnectAuth, *(request.command for request in requests)]
    results = [request.result for request in requests if request.result is not SyncResponse]
    _, inputs = _components(commands)
    _, outputs = _components([ErrorBody, *results, *_SYNC_RESULTS, *(spec.struct for spec in _all_events())])
    for command in commands:
        if command.field_rules:
            inputs[command.__name__]["allOf"] = list(command.field_rules)
    schemas = {**inputs, **{name: _as_sent(schema) for name, schema in outputs.items()}}
    schemas[SyncResponse.__name__] = _sync_response()
    return dict(sorted(texts.resolve_lazy(schemas).items()))


def _all_events() -> Iterable[EventSpec]:
    return {spec.struct: spec for channel in CHANNELS for spec in channel.events.values()}.values()


def _sync_response() -> dict[str, Any]:
    """Return the schema of `sync`: msgspec takes no union of structs that have no tag."""
    rooms = {"type": "object", "additionalProperties": {"anyOf": [_ref(each) for each in _SYNC_RESULTS]}}
    return {
        "title": SyncResponse.__name__,
        "type": "object",
        "properties": {"epoch": {"type": "string"}, "rooms": rooms},
        "required": ["epoch", "rooms"],
    }


_components = partial(msgspec.json.schema_components, ref_template=_SCHEMA_REF)


def _as_sent(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a view: a field with a default is always sent, and the default means nothing."""
    properties: dict[str, dict[str, Any]] = schema.get("properties", {})
    required = [name for name, part in properties.items() if name in schema["required"] or "default" in part]
    if not required:
        return schema
    without = {
        name: {key: value for key, value in part.items() if key != "default"}
        for name, part in properties.items()
    }
    return {**schema, "properties": without, "required": required}
