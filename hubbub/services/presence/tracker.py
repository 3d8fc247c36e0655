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
from hubbub.services.presence.presence import MAX_AUDIENCE_MEMBERS, audience, publish

log = logging.getLogger(__name__)

OFFLINE_GRACE_S = 4.0
STEP_INTERVAL_S = 0.2
BATCH_USERS = 500
MAX_UNWRITTEN_USERS = 50_000  # users whose last time is not written yet


class _PendingOffline(NamedTuple):
    """Somebody without a socket here: told to `rooms` at `due`, unless they come back."""

    due: float
    rooms: tuple[UUID, ...]


class PresenceTracker:
    """The comings and goings of the users of one instance, in batches; one loop for all."""

    def __init__(self, container: Container, grace_s: float = OFFLINE_GRACE_S) -> None:
        self._container = container
        self._grace_s = grace_s
        self._connected: dict[UUID, None] = {}  # in their order
        self._marking_connected = False
        self._change_lock = asyncio.Lock()  # of changes: none overtakes an earlier one of the same user
        self._pending_offline: dict[UUID, _PendingOffline] = {}  # in the order of `due`
        self._unwritten_last_seen: dict[
            UUID, datetime
        ] = {}  # when users were last seen whose rows were locked then
        self._task = tasks.PeriodicTask(self.step, name="presence", interval_s=STEP_INTERVAL_S)

    def start(self) -> None:
        """Begin telling who comes and goes."""
        self._container.presence.start(self._on_status_changed)
        self._task.start()

    async def close(self) -> None:
        """Whoever is leaving leaves now, unless other instances wait for them."""
        await self._task.close()
        others_running = await self._container.presence.close()
        user_ids = list(self._pending_offline)
        for start in range(0, len(user_ids), BATCH_USERS):
            batch = user_ids[start : start + BATCH_USERS]
            await (
                self._record_last_seen(batch, clock.now())
                if others_running
                else self._mark_disconnected(batch)
            )

    def user_connected(self, user_id: UUID) -> None:
        """A socket of the user is ready. Told to others, soon, if they were offline."""
        self._pending_offline.pop(user_id, None)
        self._connected[user_id] = None
        if not self._marking_connected:
            self._marking_connected = True
            tasks.spawn(self._mark_connected(), name="presence arrivals")

    def user_disconnected(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        """The user's last socket here is gone; `rooms` are told in a while if they do not come back."""
        self._pending_offline.pop(user_id, None)
        self._pending_offline[user_id] = _PendingOffline(clock.monotonic() + self._grace_s, rooms)

    async def step(self) -> None:
        """Tell of all whose time has come."""
        if self._connected and not self._marking_connected:  # they could not be told when they came
            self._marking_connected = True
            await self._mark_connected()
        await self._write_last_seen()
        now = clock.monotonic()
        due = [
            user_id
            for user_id, _ in takewhile(lambda each: each[1].due <= now, self._pending_offline.items())
        ]
        await self._mark_disconnected(due[:BATCH_USERS])

    async def _mark_connected(self) -> None:
        """Whoever comes while a batch is written goes into the next one."""
        try:
            while batch := list(self._connected)[:BATCH_USERS]:
                async with self._change_lock:
                    newly_online = await self._container.presence.mark_connected(batch)
                for user_id in batch:
                    del self._connected[user_id]
                for user_id in newly_online:
                    publish(
                        self._container,
                        user_id,
                        "online",
                        None,
                        audience(self._container.membership_cache, user_id),
                    )
        except Unavailable:
            pass  # again in the next step
        finally:
            self._marking_connected = False

    async def _mark_disconnected(self, user_ids: list[UUID]) -> None:
        async with self._change_lock:
            # Who connected again meanwhile stays.
            user_ids = [user_id for user_id in user_ids if user_id in self._pending_offline]
            if not user_ids:
                return
            try:
                offline = await self._container.presence.mark_disconnected(user_ids)
            except Unavailable:
                return  # likewise
        rooms_by_user = {
            user_id: self._pending_offline.pop(user_id).rooms
            for user_id in user_ids
            if user_id in self._pending_offline
        }
        now = clock.now()
        await self._record_last_seen(
            offline, now
        )  # before the hint: `presence:get` right after it shows the same time
        for user_id in offline & rooms_by_user.keys():
            publish(self._container, user_id, "offline", clock.rfc3339(now), rooms_by_user[user_id])

    async def _on_status_changed(self, user_ids: list[UUID], status: str | None) -> None:
        """Other people's instance is gone, or this one was taken for gone."""
        now = clock.now()
        stamp = clock.rfc3339(now) if status == "offline" else None
        for start in range(0, len(user_ids), BATCH_USERS):
            batch = user_ids[start : start + BATCH_USERS]
            async with database.guard():
                rooms = await room_queries.presence_audience(
                    database.connection(), batch, MAX_AUDIENCE_MEMBERS
                )
            if status == "offline":
                await self._record_last_seen(batch, now)
            present = await self._container.presence.get(batch) if status is None else {}
            for user_id in batch:
                new_status = status or present.get(user_id, "online")
                publish(self._container, user_id, new_status, stamp, tuple(rooms.get(user_id, ())))

    async def _record_last_seen(self, user_ids: Iterable[UUID], now: datetime) -> None:
        """Write since when users are offline; what can't be written waits for the next step."""
        if len(self._unwritten_last_seen) < MAX_UNWRITTEN_USERS:
            self._unwritten_last_seen.update(dict.fromkeys(user_ids, now))
        await self._write_last_seen()

    async def _write_last_seen(self) -> None:
        """Write when at most 500 users were last seen, except those whose rows are locked."""
        if not self._unwritten_last_seen:
            return
        seen = dict(islice(self._unwritten_last_seen.items(), BATCH_USERS))
        try:
            async with database.guard():
                locked = await last_seen.write(database.connection(), last_seen.USERS, seen)
        except Unavailable:
            return
        for user_id in seen.keys() - set(locked):
            if self._unwritten_last_seen.get(user_id) == seen[user_id]:
                del self._unwritten_last_seen[user_id]
