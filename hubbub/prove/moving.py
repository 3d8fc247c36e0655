"""Moves: what a client receives that connects to another instance right after a change of its memberships."""

from hubbub.prove.journal import Began, Gone, Heard, Journal, Moved
from hubbub.prove.verdict import Verdict


def check(journal: Journal, verdict: Verdict) -> None:
    """Hold each connection that follows a move to what was true when the client connected."""
    moves = {event.connection: event for event in journal.events if isinstance(event, Moved)}
    for event in journal.events:
        if isinstance(event, Began) and (move := moves.get(event.connection)) is not None:
            verdict.tried += 1
            _connection(journal, move, event, verdict)


def _connection(journal: Journal, move: Moved, began: Began, verdict: Verdict) -> None:
    own = [event for event in journal.events if event.connection == began.connection]
    gone = {event.room_id for event in own if isinstance(event, Gone)}
    where = f"{journal.name}, connection {began.connection} to instance {began.instance}"
    for room_id in move.rooms:
        if room_id in gone:
            verdict.wrong("false room:gone", f"{where}, room {room_id}")
        if room_id not in began.known:
            verdict.wrong("room missing in ready", f"{where}, room {room_id}")
    for room_id in move.ended:
        if room_id in began.known and room_id not in gone:
            verdict.wrong("ended room kept", f"{where}, room {room_id}")
    for event in own:
        if isinstance(event, Heard) and event.seq <= began.known.get(event.room_id, 0):
            detail = f"{event.event} {event.seq}, `ready` or the cursor was {began.known[event.room_id]}"
            verdict.wrong("repeated", f"{where}, room {event.room_id}: {detail}")
