"""What is read when somebody connects: their memberships, and the rooms that differ from what they have."""

from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import Unavailable
from hubbub.models import listings
from hubbub.schemas.rooms import Room
from hubbub.services import database, log, rooms
from hubbub.services.context import Context, Parts
from hubbub.services.residents import Resident, Standing

ROOMS = 500
TRIES = 5


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


async def welcome(ctx: Context, epoch: str | None, cursors: dict[UUID, int] | None) -> Welcome:
    """At most 500 rooms, newest entry first; to a client with cursors of this epoch, those that differ."""
    known = cursors if cursors and epoch == ctx.parts.epoch else {}
    async with database.guard():
        if known and await _unchanged(ctx, known):
            return Welcome([], complete=True, gone=[])
        rows = await listings.rooms_of(database.connection(), ctx.user_id, ROOMS + len(known) + 1)
    differing = [row for row in rows if known.get(row.id) != row.last_seq]
    own = set(_own(ctx))
    return Welcome(
        [rooms.show(row) for row in differing[:ROOMS]],
        complete=len(differing) <= ROOMS,
        gone=[room_id for room_id in known if room_id not in own],
    )


def _own(ctx: Context) -> list[UUID]:
    resident = ctx.parts.residents.get(ctx.user_id)
    return list(resident.rooms) if resident is not None else []


async def _unchanged(ctx: Context, known: dict[UUID, int]) -> bool:
    """Whether the client has the end of every room it is in: one query over the rooms' ends."""
    own = _own(ctx)
    if set(own) != set(known):
        return False
    return {room_id: end.last_seq for room_id, end in (await log.ends(own)).items()} == known
