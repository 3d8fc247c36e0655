"""Checks the entries of each connection: ascending, no duplicates, no gaps, none after a membership."""

from dataclasses import dataclass, field

from hubbub.prove.journal import EntryReceived, Journal, ReadyReceived, RoomAdded, RoomGone
from hubbub.prove.verdict import Verdict


@dataclass
class _Room:
    start_seq: int | None  # end of the log when the connection or the membership began; None: unknown
    last_seq: int | None = None  # of the last received entry
    left: bool = False  # the membership has ended
    seen: set[int] = field(default_factory=set)  # seqs of the received entries


def check(journal: Journal, order: Verdict, completeness: Verdict, revocation: Verdict) -> None:
    """Check one journal: `order` gets violations of G2, `completeness` of G3, `revocation` of G10."""
    rooms: dict[str, _Room] = {}
    connection = 0
    for event in journal.events:
        match event:
            case ReadyReceived():
                connection = event.connection
                rooms = {room_id: _Room(seq) for room_id, seq in event.known.items()}
            case RoomAdded() if event.connection == connection:
                rooms[event.room_id] = _Room(event.last_seq)
            case RoomGone() if event.connection == connection:
                rooms.setdefault(event.room_id, _Room(None)).left = True
            case EntryReceived() if event.connection == connection:
                completeness.tried += 1
                room = rooms.setdefault(event.room_id, _Room(None))
                _check_entry(journal.name, room, event, (order, completeness, revocation))
            case _:
                pass


def _check_entry(
    name: str, room: _Room, entry: EntryReceived, verdicts: tuple[Verdict, Verdict, Verdict]
) -> None:
    order, completeness, revocation = verdicts
    where = f"{name}, connection {entry.connection}, room {entry.room_id}: {entry.event} {entry.seq}"
    if room.left and entry.own != "joined":
        revocation.add_violation("entry after member:left", where)
    if entry.seq in room.seen:
        completeness.add_violation("duplicated", f"{where} a second time")
    elif room.last_seq is None:
        is_next = room.start_seq is not None and entry.seq <= room.start_seq + 1
        if entry.own != "joined" and not is_next:
            completeness.add_violation("gap", f"{where} is the first, and the log ended at {room.start_seq}")
    elif entry.seq < room.last_seq:
        order.add_violation("reordered", f"{where} after {room.last_seq}")
    elif entry.seq > room.last_seq + 1 and not room.left:
        completeness.add_violation("gap", f"{where} after {room.last_seq}")
    room.seen.add(entry.seq)
    room.last_seq = max(entry.seq, room.last_seq or 0)
    if entry.own:
        room.left = entry.own == "left"
