"""Checks moves: what a client receives that reconnects to another instance after a membership change."""

from hubbub.prove.journal import EntryReceived, ExpectedRooms, Journal, ReadyReceived, RoomGone
from hubbub.prove.verdict import Verdict


def check(journal: Journal, verdict: Verdict) -> None:
    """Compare each connection after a move with the memberships at the time of the connect."""
    moves = {event.connection: event for event in journal.events if isinstance(event, ExpectedRooms)}
    for event in journal.events:
        if isinstance(event, ReadyReceived) and (move := moves.get(event.connection)) is not None:
            verdict.tried += 1
            _check_connection(journal, move, event, verdict)


def _check_connection(journal: Journal, move: ExpectedRooms, ready: ReadyReceived, verdict: Verdict) -> None:
    events = [event for event in journal.events if event.connection == ready.connection]
    removed_rooms = {event.room_id for event in events if isinstance(event, RoomGone)}
    where = f"{journal.name}, connection {ready.connection} to instance {ready.instance}"
    for room_id in move.rooms:
        if room_id in removed_rooms:
            verdict.add_violation("false room:gone", f"{where}, room {room_id}")
        if room_id not in ready.known:
            verdict.add_violation("room missing in ready", f"{where}, room {room_id}")
    for room_id in move.ended:
        if room_id in ready.known and room_id not in removed_rooms:
            verdict.add_violation("ended room kept", f"{where}, room {room_id}")
    for event in events:
        if isinstance(event, EntryReceived) and event.seq <= ready.known.get(event.room_id, 0):
            detail = f"{event.event} {event.seq}, `ready` or the cursor was {ready.known[event.room_id]}"
            verdict.add_violation("repeated", f"{where}, room {event.room_id}: {detail}")
