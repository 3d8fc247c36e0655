"""The state for a client that connects or reconnects: memberships, rooms that differ from its cursors."""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.schemas.chat.rooms import Room
from hubbub.services.chat import page_size, rooms
from hubbub.services.context import Container, Context
from hubbub.services.eventlog.epoch_watch import Cursor
from hubbub.services.instance import loaded_memberships
from hubbub.services.instance.cached_user import CachedUser
from hubbub.services.instance.loaders import MAX_BATCHED_ROOMS
from hubbub.services.instance.session_cache import Disconnection

MAX_ROOMS = 500  # of one `ready`
MAX_TRIES = 5  # of loading memberships that change meanwhile
CLOCK_SKEW = timedelta(seconds=1)  # between the clocks of two instances


async def load_memberships(container: Container, cached_user: CachedUser) -> None:
    """Load all memberships of a user who has just connected. Does nothing if they are loaded.

    Raises Unavailable if they change during each of five tries.
    """
    for _ in range(MAX_TRIES):
        if cached_user.loaded:
            return
        changes = cached_user.change_count
        known = await container.loaders.memberships.get(cached_user.user.id)
        if cached_user.change_count != changes:  # a signal arrived that the query may not include
            continue
        loaded_memberships.store(
            container.membership_cache, cached_user, known.rooms if known is not None else ()
        )
        if known is not None:  # it may have been compared meanwhile, when there was nothing to repair
            cached_user.version = min(cached_user.version, known.version)
        return
    raise Unavailable("Your memberships change too often. Connect again.")


class ReadySnapshot(NamedTuple):
    """The content of `ready`."""

    rooms: list[Room]  # at most 500, and no more than fit into a response
    complete: bool  # whether `rooms` has all that differ
    former_room_ids: list[UUID]  # rooms of the client's cursors that the user has left
    last_seqs: dict[UUID, int | None]  # how far the client has each room, or can read it by `sync`
    memberships_stale: bool = False  # whether the database has other memberships than the cache


class ResumeState(NamedTuple):
    """What a reconnecting client has received, and how long it was disconnected."""

    cursors: Mapping[UUID, int]  # highest `seq` received, by room
    absence: Disconnection  # since when the socket was disconnected
    epoch: str  # of the cursors
    cache_current: bool  # whether the cache has all that was published before the client connected


async def build(
    ctx: Context, resume: ResumeState | None, cached_user: CachedUser, last_seqs: dict[UUID, int | None]
) -> ReadySnapshot:
    """Return at most 500 rooms, newest entry first; for a reconnecting client, those that differ.

    They are fewer if 500 would take too many bytes.

    `last_seqs` is how far each of the user's rooms is delivered on this instance. A client that has received
    all of that, and whose user read nothing on another device meanwhile, costs no query: newer entries are
    being delivered.
    """
    client_seqs = resume.cursors if resume is not None else {}
    if (
        resume is not None
        and resume.cache_current
        and not resume.absence.read_state_changed
        and last_seqs == client_seqs
    ):
        return ReadySnapshot([], complete=True, former_room_ids=[], last_seqs=last_seqs)
    limit = MAX_ROOMS + len(client_seqs) + 1
    rows = await _read_rooms(ctx, cached_user, limit)
    if resume is not None:
        for row in rows:
            seq = client_seqs.get(row.id, 0)
            ctx.container.epoch_watch.check_cursor(
                ctx.user_id, resume.epoch, Cursor(row.id, seq, row.last_seq)
            )
    listed = {row.id for row in rows}
    differing = [row for row in rows if resume is None or _differs(row, resume)]
    views = [rooms.to_view(row) for row in differing[:MAX_ROOMS]]
    views = views[: page_size.count_fitting_rooms(ctx, views)]
    return ReadySnapshot(
        views,
        complete=len(views) == len(differing),
        former_room_ids=[
            room_id for room_id in client_seqs if room_id not in last_seqs and room_id not in listed
        ],
        last_seqs={**last_seqs, **{row.id: row.last_seq for row in rows}},
        memberships_stale=not listed <= last_seqs.keys()
        or (len(rows) < limit and len(listed) < len(last_seqs))
        or any(_is_stale(cached_user, row) for row in rows),
    )


async def _read_rooms(ctx: Context, cached_user: CachedUser, limit: int) -> list[room_queries.RoomRow]:
    """Return at most `limit` rooms of the caller: with those of other users, unless they are many."""
    loaders = ctx.container.loaders
    if len(cached_user.rooms) <= MAX_BATCHED_ROOMS:
        rows = await loaders.ready_rooms.get(ctx.user_id, len(cached_user.rooms))
        if rows is not None and len(rows) <= MAX_BATCHED_ROOMS:
            return rows
    async with loaders.query_slots, database.guard():
        return await room_queries.rooms_of(database.connection(), ctx.user_id, limit)


def _is_stale(cached_user: CachedUser, row: room_queries.RoomRow) -> bool:
    membership = cached_user.membership(row.id)
    return membership is not None and (membership.role, membership.muted) != (row.role, row.muted)


def _differs(row: room_queries.RoomRow, resume: ResumeState) -> bool:
    """Return whether a room has new entries, or was read or muted on another device."""
    if resume.cursors.get(row.id) != row.last_seq:
        return True
    return row.changed_at is not None and row.changed_at > resume.absence.since - CLOCK_SKEW
