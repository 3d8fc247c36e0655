"""What is read when somebody connects: their memberships, and the rooms that differ from what they have."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.schemas.chat.rooms import Room
from hubbub.services.chat import rooms
from hubbub.services.context import Container, Context
from hubbub.services.eventlog.epoch_watch import Cursor
from hubbub.services.instance.cached_user import CachedMembership, CachedUser
from hubbub.services.instance.session_cache import Absence

ROOMS = 500
TRIES = 5
CLOCKS = timedelta(seconds=1)  # by which those of two instances may differ


async def load_memberships(parts: Container, resident: CachedUser) -> None:
    """Learn all memberships of a user who just entered; known ones cost nothing."""
    for _ in range(TRIES):
        if resident.loaded:
            return
        changes = resident.changes
        known = await parts.doors.memberships.get(resident.user.id)
        if resident.changes != changes:  # a signal came in between, of which this reading may not know
            continue
        for room in known.rooms if known is not None else ():
            standing = CachedMembership(
                room.room_id, room.kind, room.role, room.muted, room.version, room.since
            )
            parts.residents.learn(resident.user.id, standing, room.member_count)
        resident.loaded = True
        return
    raise Unavailable("Your rooms are changing too fast. Connect again.")


class ReadySnapshot(NamedTuple):
    """The rooms of `ready`; `gone` are those of the client's cursors in which the user is no longer.

    `ends` is how far the client has each room, or can read it by `sync`. `stale`: the memberships in the
    database are others than those in memory.
    """

    rooms: list[Room]
    complete: bool
    gone: list[UUID]
    ends: dict[UUID, int | None]
    stale: bool = False


class ResumeState(NamedTuple):
    """What a reconnecting client has: the last seqs it saw, and how long it was away.

    `current`: the memory of this instance holds all that was published before the client connected.
    """

    cursors: Mapping[UUID, int]
    absence: Absence
    epoch: str
    current: bool


async def build(
    ctx: Context, back: ResumeState | None, resident: CachedUser, ends: dict[UUID, int | None]
) -> ReadySnapshot:
    """At most 500 rooms, newest entry first; to a client that comes back, those that differ.

    `ends` is how far each of the user's rooms is followed here. Who has all of that, and read nothing on
    another device meanwhile, costs no query: what is newer still is on its way to them.
    """
    known = back.cursors if back is not None else {}
    if back is not None and back.current and not back.absence.marked and ends == known:
        return ReadySnapshot([], complete=True, gone=[], ends=ends)
    limit = ROOMS + len(known) + 1
    async with ctx.parts.doors.turns, database.guard():
        rows = await room_queries.rooms_of(database.connection(), ctx.user_id, limit)
    if back is not None:
        for row in rows:
            seq = known.get(row.id, 0)
            ctx.parts.epochs.compare_cursor(ctx.user_id, back.epoch, Cursor(row.id, seq, row.last_seq))
    listed = {row.id for row in rows}
    differing = [row for row in rows if back is None or _differs(row, back)]
    return ReadySnapshot(
        [rooms.show(row) for row in differing[:ROOMS]],
        complete=len(differing) <= ROOMS,
        gone=[room_id for room_id in known if room_id not in ends and room_id not in listed],
        ends={**ends, **{row.id: row.last_seq for row in rows}},
        stale=not listed <= ends.keys()
        or (len(rows) < limit and len(listed) < len(ends))
        or any(_is_stale(resident, row) for row in rows),
    )


def _is_stale(resident: CachedUser, row: room_queries.RoomRow) -> bool:
    standing = resident.rooms.get(row.id)
    return standing is not None and (standing.role, standing.muted) != (row.role, row.muted)


def _differs(row: room_queries.RoomRow, back: ResumeState) -> bool:
    """Whether there is something new in a room, or it was read or muted on another device."""
    if back.cursors.get(row.id) != row.last_seq:
        return True
    return row.changed_at is not None and row.changed_at > back.absence.since - CLOCKS
