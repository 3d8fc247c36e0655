"""Who comes and goes: told once, to the right ones; going offline late, so that a reload is not seen."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, tasks
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.queries.instance import last_seen
from hubbub.services.context import Container
from hubbub.services.presence.presence import AUDIENCE, audience, publish

log = logging.getLogger(__name__)

GRACE_S = 4.0
STEP_S = 0.2
BATCH = 500
MOST = 50_000  # users whose last time is not written yet


class _Leaving(NamedTuple):
    """Somebody without a socket here: told to `rooms` at `due`, unless they come back."""

    due: float
    rooms: tuple[UUID, ...]


class PresenceTracker:
    """The comings and goings of the users of one instance, in batches; one loop for all."""

    def __init__(self, parts: Container, grace_s: float = GRACE_S) -> None:
        self._parts = parts
        self._grace_s = grace_s
        self._arrived: dict[UUID, None] = {}  # in their order
        self._arriving = False
        self._order = asyncio.Lock()  # of changes: none overtakes an earlier one of the same user
        self._leaving: dict[UUID, _Leaving] = {}  # in the order of `due`
        self._unwritten: dict[UUID, datetime] = {}  # when users were last seen whose rows were locked then
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin telling who comes and goes."""
        await self._parts.presence.start(self._changed)
        self._task = tasks.spawn(tasks.every(STEP_S, self.step, name="presence"), name="presence")

    async def close(self) -> None:
        """Whoever is leaving leaves now, unless other instances wait for them."""
        await tasks.stop(self._task)
        elsewhere = await self._parts.presence.close()
        leaving = list(self._leaving)
        for start in range(0, len(leaving), BATCH):
            some = leaving[start : start + BATCH]
            await (self._seen(some, clock.now()) if elsewhere else self._leave(some))

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
        await self._write()
        now = clock.monotonic()
        due = [user_id for user_id, _ in takewhile(lambda each: each[1].due <= now, self._leaving.items())]
        await self._leave(due[:BATCH])

    async def _arrive(self) -> None:
        """Whoever comes while a batch is written goes into the next one."""
        try:
            while batch := list(self._arrived)[:BATCH]:
                async with self._order:
                    new = await self._parts.presence.arrive(batch)
                for user_id in batch:
                    del self._arrived[user_id]
                for user_id in new:
                    publish(self._parts, user_id, "online", None, audience(self._parts.residents, user_id))
        except Unavailable:
            pass  # again in the next step
        finally:
            self._arriving = False

    async def _leave(self, user_ids: list[UUID]) -> None:
        async with self._order:
            # Who connected again meanwhile stays.
            user_ids = [user_id for user_id in user_ids if user_id in self._leaving]
            if not user_ids:
                return
            try:
                nowhere = await self._parts.presence.leave(user_ids)
            except Unavailable:
                return  # likewise
        leaving = {
            user_id: self._leaving.pop(user_id).rooms for user_id in user_ids if user_id in self._leaving
        }
        now = clock.now()
        await self._seen(nowhere, now)  # before the hint: `presence:get` right after it shows the same time
        for user_id in nowhere & leaving.keys():
            publish(self._parts, user_id, "offline", clock.rfc3339(now), leaving[user_id])

    async def _changed(self, user_ids: list[UUID], status: str | None) -> None:
        """Other people's instance is gone, or this one was taken for gone."""
        now = clock.now()
        stamp = clock.rfc3339(now) if status == "offline" else None
        for start in range(0, len(user_ids), BATCH):
            some = user_ids[start : start + BATCH]
            async with database.guard():
                rooms = await room_queries.presence_audience(database.connection(), some, AUDIENCE)
            if status == "offline":
                await self._seen(some, now)
            present = await self._parts.presence.get(some) if status is None else {}
            for user_id in some:
                shown = status or present.get(user_id, "online")
                publish(self._parts, user_id, shown, stamp, tuple(rooms.get(user_id, ())))

    async def _seen(self, user_ids: Iterable[UUID], now: datetime) -> None:
        """Write since when users are offline; what can't be written waits for the next step."""
        if len(self._unwritten) < MOST:
            self._unwritten.update(dict.fromkeys(user_ids, now))
        await self._write()

    async def _write(self) -> None:
        """Write when at most 500 users were last seen, except those whose rows are locked."""
        if not self._unwritten:
            return
        seen = dict(islice(self._unwritten.items(), BATCH))
        try:
            async with database.guard():
                held = await last_seen.write(database.connection(), last_seen.USERS, seen)
        except Unavailable:
            return
        for user_id in seen.keys() - set(held):
            if self._unwritten.get(user_id) == seen[user_id]:
                del self._unwritten[user_id]
