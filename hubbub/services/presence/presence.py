"""Presence: several devices are one person, whose status is shown to those with whom they share a room."""

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

AUDIENCE = 200  # members; in larger rooms clients ask


def audience(residents: MembershipCache, user_id: UUID) -> tuple[UUID, ...]:
    """The rooms that are told about this user: up to 200 members, and direct ones."""
    resident = residents.get(user_id)
    if resident is None:
        return ()
    cards = ((room_id, residents.rooms.get(room_id)) for room_id in resident.rooms)
    return tuple(
        room_id
        for room_id, card in cards
        if card and (card.kind == "direct" or card.member_count <= AUDIENCE)
    )


def publish(
    parts: Container, user_id: UUID, status: str, last_seen_at: str | None, rooms: tuple[UUID, ...]
) -> None:
    """Say to a user's rooms and own devices how they are."""
    parts.bus.publish(PresenceChanged(user_id, status, last_seen_at, rooms))


async def set_status(ctx: Context, command: wire.SetPresence) -> Empty:
    """Say whether one is online, away or busy: for all of one's devices."""
    if await ctx.parts.presence.choose(ctx.user_id, command.status):
        publish(ctx.parts, ctx.user_id, command.status, None, audience(ctx.parts.residents, ctx.user_id))
    return Empty()


async def statuses(parts: Container, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The status of each, without asking who may know."""
    wanted = list(user_ids)
    there = await parts.presence.get(wanted)
    return {user_id: there.get(user_id, "offline") for user_id in wanted}


async def get(ctx: Context, command: wire.GetPresence) -> wire.Presences:
    """The presence of people; of those with whom one shares no room: offline."""
    wanted = list(dict.fromkeys(command.user_ids))
    async with database.guard():
        known = await room_queries.users_sharing_a_room(database.connection(), ctx.user_id, wanted)
    there = await ctx.parts.presence.get(known)
    return wire.Presences(presences=[_show(user_id, known, there) for user_id in wanted])


def _show(user_id: UUID, known: dict[UUID, datetime | None], there: dict[UUID, str]) -> wire.Presence:
    status = there.get(user_id, "offline")
    seen = known.get(user_id) if status == "offline" else None
    return wire.Presence(
        user_id=user_id,
        status=status,  # type: ignore[arg-type]
        last_seen_at=clock.rfc3339(seen) if seen is not None else None,
    )
