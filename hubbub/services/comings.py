"""Who comes and goes: told once, to the right ones; going offline late, so that a reload is not seen."""

import logging
from collections.abc import Collection
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub import models
from hubbub.core import clock, tasks
from hubbub.core.errors import Unavailable
from hubbub.models import listings
from hubbub.services import database
from hubbub.services.context import Parts
from hubbub.services.presences import AUDIENCE, audience, tell

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

GRACE_S = 4.0
STEP_S = 0.2
BATCH = 500


class _Leaving(NamedTuple):
    """Somebody without a socket here: told to `rooms` at `due`, unless they come back."""

    due: float
    rooms: tuple[UUID, ...]


class Comings:
    """The comings and goings of the users of one instance, in batches; one loop for all."""

    def __init__(self, parts: Parts, grace_s: float = GRACE_S) -> None:
        self._parts = parts
        self._grace_s = grace_s
        self._arrived: dict[UUID, None] = {}  # in their order
        self._arriving = False
        self._leaving: dict[UUID, _Leaving] = {}  # in the order of `due`
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin telling who comes and goes."""
        await self._parts.presence.start(self._changed)
        self._task = tasks.spawn(tasks.every(STEP_S, self.step, name="presence"), name="presence")

    async def close(self) -> None:
        """Whoever is leaving leaves now, unless other instances wait for them."""
        await tasks.stop(self._task)
        if await self._parts.presence.close():
            await _seen(list(self._leaving))
        else:
            await self._leave(list(self._leaving))

    def arrived(self, user_id: UUID) -> None:
        """A socket of the user is ready. Told to others, soon, if they were offline."""
        self._leaving.pop(user_id, None)
        self._arrived[user_id] = None
        if not self._arriving:
            self._arriving = True
            tasks.spawn(self._arrive(), name="presence arrivals")

    def left(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        """The user's last socket here is gone; `rooms` are told in a while if they do not come back."""
        self._leaving.pop(user_id, None)
        self._leaving[user_id] = _Leaving(clock.monotonic() + self._grace_s, rooms)

    async def step(self) -> None:
        """Tell of all whose time has come."""
        if self._arrived and not self._arriving:  # they could not be told when they came
            self._arriving = True
            await self._arrive()
        now = clock.monotonic()
        due = [user_id for user_id, _ in takewhile(lambda each: each[1].due <= now, self._leaving.items())]
        await self._leave(due[:BATCH])

    async def _arrive(self) -> None:
        """Whoever comes while a batch is written goes into the next one."""
        try:
            while batch := list(self._arrived)[:BATCH]:
                new = await self._parts.presence.arrive(batch)
                for user_id in batch:
                    del self._arrived[user_id]
                for user_id in new:
                    tell(self._parts, user_id, "online", None, audience(self._parts.residents, user_id))
        except Unavailable:
            pass  # again in the next step
        finally:
            self._arriving = False

    async def _leave(self, user_ids: list[UUID]) -> None:
        if not user_ids:
            return
        try:
            nowhere = await self._parts.presence.leave(user_ids)
        except Unavailable:
            return  # likewise
        leaving = {
            user_id: self._leaving.pop(user_id).rooms for user_id in user_ids if user_id in self._leaving
        }
        stamp = clock.rfc3339(clock.now())
        for user_id in nowhere & leaving.keys():
            tell(self._parts, user_id, "offline", stamp, leaving[user_id])
        await _seen(nowhere)

    async def _changed(self, user_ids: list[UUID], status: str | None) -> None:
        """Other people's instance is gone, or this one was taken for gone."""
        stamp = clock.rfc3339(clock.now()) if status == "offline" else None
        for start in range(0, len(user_ids), BATCH):
            some = user_ids[start : start + BATCH]
            async with database.guard():
                rooms = await listings.audiences(database.connection(), some, AUDIENCE)
            present = await self._parts.presence.get(some) if status is None else {}
            for user_id in some:
                shown = status or present.get(user_id, "online")
                tell(self._parts, user_id, shown, stamp, tuple(rooms.get(user_id, ())))
            if status == "offline":
                await _seen(some)


async def _seen(user_ids: Collection[UUID]) -> None:
    if user_ids:
        async with database.guard():
            await models.User.filter(id__in=list(user_ids)).update(last_seen_at=clock.now())
