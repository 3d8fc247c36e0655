"""Presence: the status of a user across their devices, visible to users who share a room."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from hubbub.cluster.bus import PresenceChanged
from hubbub.core import clock
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.schemas.chat.rooms import Empty
from hubbub.schemas.users import users as wire
from hubbub.services.context import Container, Context
from hubbub.services.instance.membership_cache import MembershipCache

MAX_AUDIENCE_MEMBERS = 200  # members of a room; clients query presence in larger rooms


def audience(membership_cache: MembershipCache, user_id: UUID) -> tuple[UUID, ...]:
    """Return the rooms that receive the user's presence: direct rooms, and those with at most 200 members."""
    cached = membership_cache.get(user_id)
    if cached is None:
        return ()
    rooms = ((room_id, membership_cache.rooms.get(room_id)) for room_id in cached.rooms)
    return tuple(
        room_id
        for room_id, room in rooms
        if room and (room.kind == "direct" or room.member_count <= MAX_AUDIENCE_MEMBERS)
    )


def publish(
    container: Container, user_id: UUID, status: str, last_seen_at: str | None, rooms: tuple[UUID, ...]
) -> None:
    """Publish a user's status to these rooms and to their own devices."""
    container.bus.publish(PresenceChanged(user_id, status, last_seen_at, rooms))


async def set_status(ctx: Context, command: wire.SetPresence) -> Empty:
    """Set the caller's status on all of their devices: online, away or busy."""
    if await ctx.container.presence.set_status(ctx.user_id, command.status):
        _publish_own(ctx, command.status)
    return Empty()


def set_status_immediate(ctx: Context, command: wire.SetPresence) -> Empty | None:
    """FAST PATH: do what `set_status` does if the statuses are in memory; else nothing, and return None."""
    changed = ctx.container.presence.set_status_immediate(ctx.user_id, command.status)
    if changed is None:
        return None
    if changed:
        _publish_own(ctx, command.status)
    return Empty()


def _publish_own(ctx: Context, status: str) -> None:
    rooms = audience(ctx.container.membership_cache, ctx.user_id)
    publish(ctx.container, ctx.user_id, status, None, rooms)


async def statuses(container: Container, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the status of each user, without checking who may see it."""
    distinct_ids = list(user_ids)
    known = await container.presence.get(distinct_ids)
    return {user_id: known.get(user_id, "offline") for user_id in distinct_ids}


async def get(ctx: Context, command: wire.GetPresence) -> wire.Presences:
    """Return the presence of users. Users who share no room with the caller appear offline."""
    distinct_ids = list(dict.fromkeys(command.user_ids))
    async with database.guard():
        last_seen = await room_queries.users_sharing_a_room(database.connection(), ctx.user_id, distinct_ids)
    online = await ctx.container.presence.get(last_seen)
    return wire.Presences(presences=[_to_view(user_id, last_seen, online) for user_id in distinct_ids])


def _to_view(user_id: UUID, last_seen: dict[UUID, datetime | None], online: dict[UUID, str]) -> wire.Presence:
    status = online.get(user_id, "offline")
    last_seen_at = last_seen.get(user_id) if status == "offline" else None
    return wire.Presence(
        user_id=user_id,
        status=status,  # type: ignore[arg-type]
        last_seen_at=clock.rfc3339(last_seen_at) if last_seen_at is not None else None,
    )
