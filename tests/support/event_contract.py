"""Holds what a client receives against the structs of the events: no undeclared field, none missing."""

from typing import Any

import msgspec

from hubbub.realtime import asyncapi
from hubbub.schemas.errors import ErrorBody
from hubbub.schemas.eventlog.entries import SyncResponse

CHANNELS = {channel.namespace: channel for channel in asyncapi.CHANNELS}
RESULTS = {
    namespace: {name: event.result for name, event in asyncapi.incoming(channel).items()}
    for namespace, channel in CHANNELS.items()
}


def event_fault(name: str, payload: Any, namespace: str = "/chat") -> str | None:
    """Return what is wrong with an event. Events that are in no table are those of extensions."""
    spec = CHANNELS[namespace].events.get(name)
    return None if spec is None else _fault(name, spec.struct, payload)


def ack_fault(name: str, ack: dict[str, Any], namespace: str = "/chat") -> str | None:
    """Return what is wrong with the ack of an event."""
    result = RESULTS[namespace].get(name)
    if ack.keys() != {"ok", "data" if ack.get("ok") else "error"}:
        return f"ack of {name}: {ack}"
    if not ack["ok"]:
        return _fault(f"error of {name}", ErrorBody, ack["error"])
    if result is SyncResponse:
        return _sync_fault(ack["data"])
    return None if result is None else _fault(f"ack of {name}", result, ack["data"])


def _sync_fault(data: dict[str, Any]) -> str | None:
    entries = [entry for room in data["rooms"].values() for entry in room.get("entries", ())]
    faults = (event_fault(entry["event"], entry["payload"]) for entry in entries)
    return next((fault for fault in faults if fault is not None), None)


def _fault(name: str, struct: type[msgspec.Struct], payload: Any) -> str | None:
    """Decode and encode again: what differs is undeclared, at any depth, or missing."""
    try:
        declared = msgspec.to_builtins(msgspec.convert(payload, struct))
    except msgspec.ValidationError as error:
        return f"{name}: {error} in {payload}"
    return None if declared == payload else f"{name} has undeclared or missing fields: {payload}"
