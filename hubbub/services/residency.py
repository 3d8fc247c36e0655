"""What is read when somebody connects: their memberships, and the rooms that differ from what they have."""

from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import Unavailable
from hubbub.models import listings
from hubbub.schemas.rooms import Room
from hubbub.services import database, rooms
from hubbub.services.context import Context, Parts
from hubbub.services.residents import Resident, Standing
from hubbub.services.stays import Absence

ROOMS = 500
TRIES = 5
CLOCKS = timedelta(seconds=1)  # by which those of two instances may differ


async def load(parts: Parts, resident: Resident) -> None:
    """Learn all memberships of a user who just entered; known ones cost nothing."""
    for _ in range(TRIES):
        if resident.loaded:
            return
        changes = resident.changes
        known = await parts.doors.memberships.get(resident.user.id)
        if resident.changes != changes:  # a signal came in between, of which this reading may not know
            continue
        for room in known.rooms if known is not None else ():
            standing = Standing(room.room_id, room.kind, room.role, room.muted, room.version, room.since)
            parts.residents.learn(resident.user.id, standing, room.member_count)
        resident.loaded = True
        return
    raise Unavailable("Your rooms are changing too fast. Connect again.")


class Welcome(NamedTuple):
    """The rooms of `ready`; `gone` are those of the client's cursors in which the user is no longer."""

    rooms: list[Room]
    complete: bool
    gone: list[UUID]


class Back(NamedTuple):
    """What a client has that comes back: the last seqs it saw, and how long it was away."""

    cursors: dict[UUID, int]
    absence: Absence


async def welcome(ctx: Context, back: Back | None, ends: dict[UUID, int | None]) -> Welcome:
    """At most 500 rooms, newest entry first; to a client that comes back, those that differ.

    `ends` is how far each of the user's rooms is followed here. Who has all of that, and read nothing on
    another device meanwhile, costs no query: what is newer still is on its way to them.
    """
    known = back.cursors if back is not None else {}
    if back is not None and not back.absence.marked and ends == known:
        return Welcome([], complete=True, gone=[])
    async with ctx.parts.doors.turns, database.guard():
        rows = await listings.rooms_of(database.connection(), ctx.user_id, ROOMS + len(known) + 1)
    differing = [row for row in rows if back is None or _differs(row, back)]
    return Welcome(
        [rooms.show(row) for row in differing[:ROOMS]],
        complete=len(differing) <= ROOMS,
        gone=[room_id for room_id in known if room_id not in ends],
    )


def _differs(row: listings.RoomRow, back: Back) -> bool:
    """Whether there is something new in a room, or it was read or muted on another device."""
    if back.cursors.get(row.id) != row.last_seq:
        return True
    return row.changed_at is not None and row.changed_at > back.absence.since - CLOCKS
