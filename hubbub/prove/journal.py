"""What a client wrote down: everything it sent, was answered, heard and fetched, in the order it happened."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

Json = dict[str, Any]


class Event(msgspec.Struct, frozen=True, tag_field="is"):
    """Something that happened: seconds since the run began, and the number of the client's connection."""

    at: float
    connection: int


class ReadyReceived(Event, frozen=True, tag="began"):
    """`ready` came. `known`: where each room's log stood by then, as far as this client was told."""

    instance: int
    known: dict[str, int]


class Disconnected(Event, frozen=True, tag="ended"):
    why: str


class Sent(Event, frozen=True, tag="sent"):
    room_id: str
    client_id: str
    body: str


class Acked(Event, frozen=True, tag="acked"):
    """`ok: true`, with the message as it was stored."""

    client_id: str
    message_id: str
    room_id: str
    seq: int
    body: str


class Rejected(Event, frozen=True, tag="refused"):
    """`ok: false`: a send that was not stored, unless the code is `unavailable`: then nobody knows."""

    client_id: str
    code: str


class EntryReceived(Event, frozen=True, tag="heard"):
    """An entry came by itself. `own`: `joined` or `left` where it begins or ends the client's membership."""

    room_id: str
    seq: int
    event: str
    payload: str
    client_id: str = ""
    own: str = ""


class SyncReceived(Event, frozen=True, tag="caught"):
    """An answer to `sync`: what came after `after`, as (seq, event, payload)."""

    room_id: str
    after: int
    entries: list[tuple[int, str, str]]


class RoomAdded(Event, frozen=True, tag="added"):
    """A membership began: the log stood at `last_seq`."""

    room_id: str
    last_seq: int


class RoomGone(Event, frozen=True, tag="gone"):
    room_id: str


class ExpectedRooms(Event, frozen=True, tag="moved"):
    """The client connects to another instance, right after a change: the rooms it is in by then.

    `ended`: those in which it is no longer.
    """

    rooms: list[str]
    ended: list[str]


class RoomReset(Event, frozen=True, tag="reset"):
    """The server said that what the client has is of another history."""

    room_id: str


class Checkpoint(Event, frozen=True, tag="rested"):
    """All was quiet, and had time to arrive: what the client has by then, and how far the logs went."""

    cursors: dict[str, int]
    ends: dict[str, int]


AnyEvent = (
    ReadyReceived
    | Disconnected
    | Sent
    | Acked
    | Rejected
    | EntryReceived
    | SyncReceived
    | RoomAdded
    | RoomGone
    | ExpectedRooms
    | RoomReset
    | Checkpoint
)


@dataclass
class Journal:
    """One client's. `rooms`: those it must have all of in the end."""

    name: str
    user_id: str
    events: list[AnyEvent] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Keep it as a file, a line an event."""
        lines = (msgspec.json.encode(event) for event in self.events)
        folder.joinpath(f"{self.name}.jsonl").write_bytes(b"\n".join(lines) + b"\n")


@dataclass(frozen=True)
class Message:
    """A row of `messages`."""

    sender_id: str
    client_id: str
    id: str
    room_id: str
    seq: int
    body: str


@dataclass(frozen=True)
class Entry:
    """A row of `entries`; `message_id` of the message that it announces."""

    room_id: str
    seq: int
    event: str
    payload: str
    message_id: str = ""


@dataclass
class StoredState:
    """What the database held in the end; `last_seqs` is what the rooms say of themselves."""

    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    last_seqs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What was done, to whom, and when, in seconds since the run began; `healed`: when an ack came again."""

    name: str
    target: str
    started_at: float
    ended_at: float
    recovered_at: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Probe:
    """A promise about time, tried: how many seconds it took. None: it did not happen while anybody waited."""

    name: str
    started_at: float
    duration_s: float | None
    detail: str = ""
    memory_growth_mib: float = 0.0  # MiB, of the instance


@dataclass
class Evidence:
    """All that is known of a run."""

    journals: list[Journal] = field(default_factory=list)
    stored: StoredState = field(default_factory=StoredState)
    faults: list[Fault] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)  # what faults did, seen to have happened
    probes: list[Probe] = field(default_factory=list)
    slack: float = 2.0  # seconds that a busy machine may add to what is promised


def canonical_json(payload: object) -> str:
    """The same text for the same JSON value, whatever its order."""
    return msgspec.json.encode(payload, order="deterministic").decode()
