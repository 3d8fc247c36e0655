"""The journal of a client: everything it sent and received, in order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

Json = dict[str, Any]
Kind = TypeVar("Kind")


class Event(msgspec.Struct, frozen=True, tag_field="is"):
    """An event of a client: `at` in seconds since the start of the run, and the number of the connection."""

    at: float
    connection: int


class ReadyReceived(Event, frozen=True, tag="began"):
    """`ready` arrived. `known`: the end of each room's log at that time, as this client had received it."""

    instance: int
    known: dict[str, int]


class Disconnected(Event, frozen=True, tag="ended"):
    why: str


class Sent(Event, frozen=True, tag="sent"):
    room_id: str
    client_id: str
    body: str


class Acked(Event, frozen=True, tag="acked"):
    """`ok: true`, with the stored message."""

    client_id: str
    message_id: str
    room_id: str
    seq: int
    body: str


class Rejected(Event, frozen=True, tag="refused"):
    """`ok: false`: the message was not stored. After the code `unavailable` that is unknown."""

    client_id: str
    code: str


class EntryReceived(Event, frozen=True, tag="heard"):
    """An entry arrived as an event. `own`: `joined` or `left` if it concerns the client's membership."""

    room_id: str
    seq: int
    event: str
    payload: str
    client_id: str = ""
    own: str = ""


class SyncReceived(Event, frozen=True, tag="caught"):
    """An ack of `sync`: the entries after `after`, as (seq, event, payload)."""

    room_id: str
    after: int
    entries: list[tuple[int, str, str]]


class RoomAdded(Event, frozen=True, tag="added"):
    """A membership began when the log ended at `last_seq`."""

    room_id: str
    last_seq: int


class RoomGone(Event, frozen=True, tag="gone"):
    room_id: str


class ExpectedRooms(Event, frozen=True, tag="moved"):
    """The client connects to another instance right after a change. `rooms`: its memberships at that time.

    `ended`: the ended memberships.
    """

    rooms: list[str]
    ended: list[str]


class RoomReset(Event, frozen=True, tag="reset"):
    """The server reported that the client's entries are of another epoch."""

    room_id: str


class Checkpoint(Event, frozen=True, tag="rested"):
    """All was quiet for long enough: `cursors` of the client, and `ends` of the logs."""

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
    """The journal of one client. `rooms`: those whose logs it must have completely at the end."""

    name: str
    user_id: str
    events: list[AnyEvent] = field(default_factory=list)
    rooms: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write the journal to a file, one line for each event."""
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
    """A row of `entries`, or the entry that a row of `messages` is: then `message_id` is that message."""

    room_id: str
    seq: int
    event: str
    payload: str
    message_id: str = ""


@dataclass
class StoredState:
    """The rows of the database at the end. `last_seqs` comes from the rooms."""

    messages: list[Message] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    last_seqs: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """An injected fault: times in seconds since the start of the run; `recovered_at`: the next ack."""

    name: str
    target: str
    started_at: float
    ended_at: float
    recovered_at: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Probe:
    """One test of a time limit: the duration in seconds, None if it did not happen while the test waited."""

    name: str
    started_at: float
    duration_s: float | None
    detail: str = ""
    memory_growth_mib: float = 0.0  # MiB, of the instance


@dataclass
class Evidence:
    """The results of a run."""

    journals: list[Journal] = field(default_factory=list)
    stored: StoredState = field(default_factory=StoredState)
    faults: list[Fault] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)  # confirmed effects of faults
    probes: list[Probe] = field(default_factory=list)
    slack: float = 2.0  # seconds that a busy machine may add to time limits


def events_of(journals: Iterable[Journal], kind: type[Kind]) -> Iterator[tuple[Journal, Kind]]:
    """Yield the events of one kind, journal by journal, with the journal of each."""
    for journal in journals:
        for event in journal.events:
            if isinstance(event, kind):
                yield journal, event


def canonical_json(payload: object) -> str:
    """Return the same text for the same JSON value, whatever the order of its keys."""
    return msgspec.json.encode(payload, order="deterministic").decode()
