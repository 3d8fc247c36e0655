"""Presence: several devices are one person; going offline is told late, so that a reload is not seen."""

import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple
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

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

AUDIENCE = 200  # members; in larger rooms clients ask
GRACE_S = 4.0
STEP_S = 0.2


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


class _Leaving(NamedTuple):
    """Somebody without a socket here: told to `rooms` at `due`, unless they come back."""

    due: float
    rooms: tuple[UUID, ...]


class Comings:
    """The comings and goings of the users of one instance; one loop for all, one query a step."""

    def __init__(self, parts: Parts, grace_s: float = GRACE_S) -> None:
        self._parts = parts
        self._grace_s = grace_s
        self._leaving: dict[UUID, _Leaving] = {}  # in the order of `due`
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin telling who is gone."""
        self._task = tasks.spawn(tasks.every(STEP_S, self.step, name="presence"), name="presence")

    async def close(self) -> None:
        """Whoever is leaving leaves now."""
        await tasks.stop(self._task)
        await self._offline(list(self._leaving))

    async def arrived(self, user_id: UUID) -> None:
        """A socket of the user is ready. Told to others if they were offline."""
        self._leaving.pop(user_id, None)
        presence = self._parts.presence
        if not await presence.get([user_id]):
            await presence.put(user_id, "online")
            _tell(self._parts, user_id, "online", None, audience(self._parts.residents, user_id))

    def left(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        """The user's last socket here is gone; `rooms` are told in a while if they do not come back."""
        self._leaving.pop(user_id, None)
        self._leaving[user_id] = _Leaving(clock.monotonic() + self._grace_s, rooms)

    async def step(self) -> None:
        """Tell of all whose time has come."""
        now = clock.monotonic()
        due = [user_id for user_id, _ in takewhile(lambda each: each[1].due <= now, self._leaving.items())]
        await self._offline(due)

    async def _offline(self, user_ids: list[UUID]) -> None:
        if not user_ids:
            return
        now = clock.now()
        await self._parts.presence.drop(user_ids)
        for user_id in user_ids:
            leaving = self._leaving.pop(user_id, None)
            if leaving is not None:
                _tell(self._parts, user_id, "offline", clock.rfc3339(now), leaving.rooms)
        async with database.guard():
            await models.User.filter(id__in=user_ids).update(last_seen_at=now)


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
