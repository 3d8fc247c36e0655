"""Publishes online and offline once per user.

Offline is published only after a grace period, so that a reload is invisible.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import islice, takewhile
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, tasks
from hubbub.core.batching import slices
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.queries.instance import last_seen
from hubbub.services.context import Container
from hubbub.services.presence.presence import MAX_AUDIENCE_MEMBERS, audience, publish

log = logging.getLogger(__name__)

OFFLINE_GRACE_S = 4.0  # between the last disconnect and `offline`
STEP_INTERVAL_S = 0.2  # of the loop
BATCH_USERS = 500  # per call of the presence store and the database
MAX_UNWRITTEN_USERS = 50_000  # whose last-seen time is not written yet


class _PendingOffline(NamedTuple):
    """A user without a socket on this instance, published as offline at `due` unless they reconnect."""

    due: float  # monotonic
    rooms: tuple[UUID, ...]  # the audience when the last socket closed


class PresenceTracker:
    """Tracks connects and disconnects of the users of one instance, in batches and by one loop."""

    def __init__(self, container: Container, grace_s: float = OFFLINE_GRACE_S) -> None:
        self._container = container  # has the presence store, the bus and the membership cache
        self._grace_s = grace_s  # between the last disconnect and `offline`
        self._connected: dict[UUID, None] = {}  # to be marked as connected, oldest first
        self._marking_connected = False  # whether a task marks them now
        self._change_lock = asyncio.Lock()  # keeps the changes of a user in order
        self._pending_offline: dict[UUID, _PendingOffline] = {}  # in the order of `due`
        # Last-seen times that could not be written, because the row was locked or the database unavailable.
        self._unwritten_last_seen: dict[UUID, datetime] = {}
        self._task = tasks.PeriodicTask(self.step, name="presence", interval_s=STEP_INTERVAL_S)  # runs `step`

    def start(self) -> None:
        """Start publishing."""
        self._container.presence.start(self._on_status_changed)
        self._task.start()

    async def close(self) -> None:
        """Mark the pending users as disconnected now. If there are other instances, they do that."""
        await self._task.close()
        others_running = await self._container.presence.close()
        for batch in slices(list(self._pending_offline), BATCH_USERS):
            if others_running:
                await self._record_last_seen(batch, clock.now())
            else:
                await self._mark_disconnected(batch)

    def user_connected(self, user_id: UUID) -> None:
        """Record that a socket of the user is ready. Published soon if the user was offline."""
        self._pending_offline.pop(user_id, None)
        self._container.presence.expect_connected(user_id)
        self._connected[user_id] = None
        if not self._marking_connected:
            self._marking_connected = True
            tasks.spawn(self._mark_connected(), name="mark connected", eager=True)

    def user_disconnected(self, user_id: UUID, rooms: tuple[UUID, ...]) -> None:
        """Record that the user's last socket on this instance closed.

        `rooms` receive `offline` after the grace period, unless the user reconnects.
        """
        self._pending_offline.pop(user_id, None)
        self._pending_offline[user_id] = _PendingOffline(clock.monotonic() + self._grace_s, rooms)

    async def step(self) -> None:
        """Publish all changes that are due."""
        if self._connected and not self._marking_connected:
            # The presence store was unavailable when they connected.
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
        """Mark the connected users in batches. Users who connect meanwhile form the next batch."""
        try:
            while batch := list(self._connected)[:BATCH_USERS]:
                async with self._change_lock:
                    newly_online = await self._container.presence.mark_connected(batch)
                for user_id in batch:
                    del self._connected[user_id]
                for user_id in newly_online:
                    rooms = audience(self._container.membership_cache, user_id)
                    publish(self._container, user_id, "online", None, rooms)
        except Unavailable:
            pass  # the next step retries
        finally:
            self._marking_connected = False

    async def _mark_disconnected(self, user_ids: list[UUID]) -> None:
        async with self._change_lock:
            # Users who reconnected meanwhile are no longer pending.
            user_ids = [user_id for user_id in user_ids if user_id in self._pending_offline]
            if not user_ids:
                return
            try:
                offline = await self._container.presence.mark_disconnected(user_ids)
            except Unavailable:
                return  # the next step retries
        rooms_by_user = {
            user_id: self._pending_offline.pop(user_id).rooms
            for user_id in user_ids
            if user_id in self._pending_offline
        }
        now = clock.now()
        # Before the hint, so that `presence:get` right after it returns the same time.
        await self._record_last_seen(offline, now)
        for user_id in offline & rooms_by_user.keys():
            publish(self._container, user_id, "offline", clock.rfc3339(now), rooms_by_user[user_id])

    async def _on_status_changed(self, user_ids: list[UUID], status: str | None) -> None:
        """Publish changes that this instance did not cause.

        Another instance died, or this one was considered dead.
        """
        now = clock.now()
        stamp = clock.rfc3339(now) if status == "offline" else None
        for batch in slices(user_ids, BATCH_USERS):
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
        """Write since when users are offline. The next step retries what can't be written."""
        if len(self._unwritten_last_seen) < MAX_UNWRITTEN_USERS:
            self._unwritten_last_seen.update(dict.fromkeys(user_ids, now))
        await self._write_last_seen()

    async def _write_last_seen(self) -> None:
        """Write at most 500 last-seen times, except those of locked rows."""
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
