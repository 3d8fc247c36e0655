"""What each connection heard: ascending, none twice, none missing, nothing after the end of a membership."""

from dataclasses import dataclass, field

from hubbub.prove.journal import Added, Began, Gone, Heard, Journal
from hubbub.prove.verdict import Verdict


@dataclass
class _Room:
    known: int | None  # where its log stood when the connection, or the membership, began
    last: int | None = None
    left: bool = False
    seen: set[int] = field(default_factory=set)


def check(journal: Journal, order: Verdict, whole: Verdict, ended: Verdict) -> None:
    """Go through one journal: into `order` what is G2, `whole` G3, `ended` G10."""
    rooms: dict[str, _Room] = {}
    connection = 0
    for event in journal.events:
        match event:
            case Began():
                connection = event.connection
                rooms = {room_id: _Room(seq) for room_id, seq in event.known.items()}
            case Added() if event.connection == connection:
                rooms[event.room_id] = _Room(event.last_seq)
            case Gone() if event.connection == connection:
                rooms.setdefault(event.room_id, _Room(None)).left = True
            case Heard() if event.connection == connection:
                whole.tried += 1
                _hear(
                    journal.name, rooms.setdefault(event.room_id, _Room(None)), event, (order, whole, ended)
                )
            case _:
                pass


def _hear(name: str, room: _Room, heard: Heard, into: tuple[Verdict, Verdict, Verdict]) -> None:
    order, whole, ended = into
    where = f"{name}, connection {heard.connection}, room {heard.room_id}: {heard.event} {heard.seq}"
    if room.left and heard.own != "joined":
        ended.wrong("entry after member:left", where)
    if heard.seq in room.seen:
        whole.wrong("duplicated", f"{where} a second time")
    elif room.last is not None and heard.seq < room.last:
        order.wrong("reordered", f"{where} after {room.last}")
    elif room.last is not None and heard.seq > room.last + 1 and not room.left:
        whole.wrong("gap", f"{where} after {room.last}")
    elif room.last is None and heard.own != "joined" and (room.known is None or heard.seq > room.known + 1):
        whole.wrong("gap", f"{where} is the first, and the log stood at {room.known}")
    room.seen.add(heard.seq)
    room.last = max(heard.seq, room.last or 0)
    if heard.own:
        room.left = heard.own == "left"
