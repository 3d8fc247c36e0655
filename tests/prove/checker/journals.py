"""Journals of a run without a violation."""

from collections.abc import Sequence
from typing import Any

from hubbub.prove import checker
from hubbub.prove.journal import (
    Acked,
    AnyEvent,
    Checkpoint,
    Disconnected,
    Entry,
    EntryReceived,
    Evidence,
    ExpectedRooms,
    Journal,
    Message,
    ReadyReceived,
    Sent,
    StoredState,
    SyncReceived,
)

ROOM = "room-1"
COUNT = 6


def payload(seq: int) -> str:
    return f'{{"seq":{seq}}}'


def received(seq: int, *, at: float | None = None, connection: int = 1, own: str = "") -> EntryReceived:
    return EntryReceived(
        seq + 0.3 if at is None else at, connection, ROOM, seq, "message:new", payload(seq), f"c{seq}", own
    )


def clean() -> Evidence:
    """Ada sends messages 1 to 6. Bob receives 1 to 4, disconnects, and gets the rest by `sync`."""
    ada, bob = Journal("ada", "user-a", rooms=[ROOM]), Journal("bob", "user-b", rooms=[ROOM])
    stored = StoredState(last_seqs={ROOM: COUNT})
    ada.events.append(ReadyReceived(0.0, 1, 0, {ROOM: 0}))
    bob.events.append(ReadyReceived(0.0, 1, 1, {ROOM: 0}))
    for seq in range(1, COUNT + 1):
        ada.events.append(Sent(seq + 0.0, 1, ROOM, f"c{seq}", f"body {seq}"))
        ada.events.append(Acked(seq + 0.2, 1, f"c{seq}", f"m{seq}", ROOM, seq, f"body {seq}"))
        ada.events.append(received(seq))
        stored.messages.append(Message("user-a", f"c{seq}", f"m{seq}", ROOM, seq, f"body {seq}"))
        stored.entries.append(Entry(ROOM, seq, "message:new", payload(seq), f"m{seq}"))
    bob.events += [
        received(1),
        received(2),
        received(3),
        received(4),
        Disconnected(4.5, 1, "lost"),
        ReadyReceived(7.0, 2, 0, {ROOM: 6}),
    ]
    bob.events.append(
        SyncReceived(7.1, 2, ROOM, 4, [(5, "message:new", payload(5)), (6, "message:new", payload(6))])
    )
    for journal in (ada, bob):
        journal.events.append(Checkpoint(9.0, 2, {ROOM: COUNT}, {ROOM: COUNT}))
    return Evidence([ada, bob], stored, slack=0.5)


def found(evidence: Evidence) -> dict[tuple[str, str], int]:
    """Return the numbers of violations, by guarantee and kind."""
    return {
        (name, kind): count
        for name, verdict in checker.check(evidence).items()
        for kind, count in verdict.counts.items()
    }


def ada(evidence: Evidence) -> list[Any]:
    return evidence.journals[0].events


def bob(evidence: Evidence) -> list[Any]:
    return evidence.journals[1].events


def at(events: list[Any], kind: type[Any], seq: int) -> int:
    """Return the index of the event of a kind about an entry or its message."""
    return next(
        index
        for index, each in enumerate(events)
        if isinstance(each, kind) and (getattr(each, "seq", None) == seq or each.client_id == f"c{seq}")
    )


def moved(
    evidence: Evidence,
    known: dict[str, int],
    *more: AnyEvent,
    rooms: Sequence[str] = (),
    ended: Sequence[str] = (),
) -> None:
    """Bob moves once more, to an instance that reports this much of the room."""
    (_, bob) = evidence.journals
    bob.events[-1:] = [
        ExpectedRooms(10.0, 3, list(rooms), list(ended)),
        ReadyReceived(10.1, 3, 1, known),
        *more,
        Checkpoint(12.0, 3, {ROOM: COUNT}, {ROOM: COUNT}),
    ]
