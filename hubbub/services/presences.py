"""Presence: several devices are one person; going offline is told late, so that a reload is not seen."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import PresenceChanged
from hubbub.core import clock, tasks
from hubbub.models import listings
from hubbub.schemas import users as wire
from hubbub.schemas.rooms import Nothing
from hubbub.services import database
from hubbub.services.context import Context, Parts
from hubbub.services.residents import Residents

log = logging.getLogger(__name__)

AUDIENCE = 200  # members; in larger rooms clients ask
GRACE_S = 4.0


def audience(residents: Residents, user_id: UUID) -> tuple[UUID, ...]:
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


class Comings:
    """The comings and goings of the users of one instance."""

    def __init__(self, parts: Parts, grace_s: float = GRACE_S) -> None:
        self._parts = parts
        self._grace_s = grace_s
        self._leaving: dict[UUID, asyncio.TimerHandle] = {}

    async def arrived(self, user_id: UUID) -> None:
        """A socket of the user is ready. Told to others if they were offline."""
        timer = self._leaving.pop(user_id, None)
        if timer is not None:
            timer.cancel()
        presence = self._parts.presence
        if not await presence.get([user_id]):
            await presence.put(user_id, "online")
            _tell(self._parts, user_id, "online", None, audience(self._parts.residents, user_id))

    def left(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        """The user's last socket here is gone; `rooms` are told in a while if they do not come back."""
        if user_id in self._leaving:
            self._leaving.pop(user_id).cancel()
        loop = asyncio.get_running_loop()
        self._leaving[user_id] = loop.call_later(self._grace_s, self._gone, user_id, rooms)

    def _gone(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        self._leaving.pop(user_id, None)
        tasks.spawn(self._offline(user_id, rooms), name="presence offline")

    async def _offline(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        if self._parts.residents.get(user_id) is not None:
            return
        await self._parts.presence.drop(user_id)
        now = clock.now()
        _tell(self._parts, user_id, "offline", clock.rfc3339(now), rooms)
        async with database.guard():
            await models.User.filter(id=user_id).update(last_seen_at=now)

    async def close(self) -> None:
        """Forget the timers; whoever is leaving leaves now."""
        now = clock.now()
        leaving = list(self._leaving)
        for timer in self._leaving.values():
            timer.cancel()
        self._leaving.clear()
        if leaving:
            async with database.guard():
                await models.User.filter(id__in=leaving).update(last_seen_at=now)


def _tell(
    parts: Parts, user_id: UUID, status: str, last_seen_at: str | None, rooms: tuple[UUID, ...]
) -> None:
    parts.bus.publish(PresenceChanged(user_id, status, last_seen_at, rooms))


async def set_status(ctx: Context, command: wire.SetPresence) -> Nothing:
    """Say whether one is online, away or busy: for all of one's devices."""
    if (await ctx.parts.presence.get([ctx.user_id])).get(ctx.user_id) != command.status:
        await ctx.parts.presence.put(ctx.user_id, command.status)
        _tell(ctx.parts, ctx.user_id, command.status, None, audience(ctx.parts.residents, ctx.user_id))
    return Nothing()


async def statuses(parts: Parts, user_ids: Iterable[UUID]) -> dict[UUID, str]:
    """The status of each, without asking who may know."""
    wanted = list(user_ids)
    there = await parts.presence.get(wanted)
    return {user_id: there.get(user_id, "offline") for user_id in wanted}


async def get(ctx: Context, command: wire.GetPresence) -> wire.Presences:
    """The presence of people; of those with whom one shares no room: offline."""
    wanted = list(dict.fromkeys(command.user_ids))
    async with database.guard():
        known = await listings.acquaintances(database.connection(), ctx.user_id, wanted)
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
