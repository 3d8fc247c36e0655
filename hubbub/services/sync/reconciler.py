"""Reconciles the caches with the database, in case bus signals were lost.

Every change of a session or a membership increments its user's `version`, in the same transaction. About once
a second, one query compares the counters of all cached users. Only the users whose counter changed are read.
Each difference is delivered to the listeners of this instance as the signal that was lost.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from hubbub.cluster.bus import AccountChanged, MemberChanged, MemberJoined, SessionEnded, Signal
from hubbub.core import clock, metrics, tasks
from hubbub.core.batching import BatchLoader
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.chat import rooms as room_queries
from hubbub.queries.sync import change_counters
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.services.chat import rooms
from hubbub.services.instance.cached_user import CachedUser
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.users import account_view, users

# A revocation must take effect within a second. The interval and a slow comparison fit into it.
INTERVAL_S = 0.6
COMPARE_BATCH_USERS = 1000  # users per query, which blocks the event loop for about a millisecond
MEMBERSHIP_BATCH_USERS = 200  # users whose memberships are read by one query
SIGNAL_GRACE_S = 0.05  # time for the signal of a commit to arrive, before it counts as lost
MAX_TRIES = 5  # of reaching a version


class _EndedMembership(NamedTuple):
    """A membership that was found to have ended."""

    user_id: UUID
    room_id: UUID


class Reconciler:
    """Compares the membership cache with the database.

    `deliver` receives the missing signals. `expel` is called one comparison after a membership was found to
    have ended.
    """

    def __init__(
        self, cache: MembershipCache, deliver: Callable[[Signal], None], expel: Callable[[UUID, UUID], None]
    ) -> None:
        self._cache = cache  # the cache that is compared
        self._deliver = deliver  # passes a signal to the listeners of this instance
        self._expel = expel  # removes a user's sockets from a room
        self._ended_memberships: list[_EndedMembership] = []  # found by the last comparison
        self._repair_count = 0  # signals that were delivered
        # Coalesces the comparisons of single users.
        self._loader: BatchLoader[UUID, None] = BatchLoader(self._reconcile_batch, name="reconcile users")
        # Compares every 0.6 s.
        self._task = tasks.PeriodicTask(self.check, name="reconciler", interval_s=INTERVAL_S)

    def start(self) -> None:
        """Start comparing."""
        self._task.start()

    async def close(self) -> None:
        """Stop comparing."""
        await self._task.close()

    def check_soon(self) -> None:
        """Compare now, because signals were lost."""

        async def run() -> None:
            with suppress(Unavailable):  # the next comparison finds them
                await self.check()

        tasks.spawn(run(), name="reconciler at once")

    async def check(self) -> None:
        """Compare all cached users. Raises Unavailable."""
        started_at = clock.monotonic()
        self._cache.evict_expired()
        self._expel_removed()
        known = list(self._cache.known_users())
        for start in range(0, len(known), COMPARE_BATCH_USERS):
            await self._compare(known[start : start + COMPARE_BATCH_USERS])
        self._cache.reconciled_at = started_at

    async def reconcile(self, user_id: UUID, version: int) -> None:
        """Update the cached user to `version` of their row, or later. Raises Unavailable."""
        for _ in range(MAX_TRIES):
            cached_user = self._cache.get_any(user_id)
            if cached_user is None or not cached_user.sessions or cached_user.version >= version:
                return
            await self._loader.get(user_id)
        raise Unavailable("Your memberships change too often. Connect again.")

    async def _reconcile_batch(self, user_ids: list[UUID]) -> dict[UUID, None]:
        wanted = set(user_ids)
        await self._compare([each for each in self._cache.known_users() if each.user_id in wanted], grace_s=0)
        return {}

    async def _compare(
        self, known: Sequence[change_counters.KnownUser], grace_s: float = SIGNAL_GRACE_S
    ) -> None:
        async with database.guard():
            changed = await change_counters.changed_users(database.connection(), known)
        stale = []
        for row in changed:
            cached_user = self._cache.get_any(row.user_id)
            if cached_user is None or self._end_if_blocked(row):
                continue
            if row.read_version != cached_user.read_version:
                cached_user.read_version, cached_user.read_state_changed_at = (
                    row.read_version,
                    clock.monotonic(),
                )
            if row.version != cached_user.version:
                self._repair_account(cached_user, row)
                stale.append(cached_user)
        for start in range(0, len(stale), MEMBERSHIP_BATCH_USERS):
            await self._repair_memberships(stale[start : start + MEMBERSHIP_BATCH_USERS], grace_s)

    def _end_if_blocked(self, row: change_counters.ChangedUser) -> bool:
        """End the sessions of a deleted or suspended user. Returns whether the user is one."""
        if row.deleted:
            self._deliver(
                SessionEnded(row.user_id, None, CloseCode.SESSION_REVOKED, SessionEndReason.ACCOUNT_DELETED)
            )
        elif account_view.is_suspended(row.suspended_at, row.suspended_until):
            details = account_view.suspension_message(row.suspended_until, row.suspend_reason)
            self._deliver(SessionEnded(row.user_id, None, CloseCode.SUSPENDED, details))
        else:
            return False
        return True

    def _repair_account(self, cached_user: CachedUser, row: change_counters.ChangedUser) -> None:
        user = users.view(row.user_id, row)
        if user != cached_user.user or any(session.role != row.role for session in cached_user.sessions):
            self._deliver(AccountChanged(user, row.role))

    async def _repair_memberships(self, stale: Sequence[CachedUser], grace_s: float) -> None:
        """Read the changed users and deliver the differences.

        Users who change meanwhile are compared again later.
        """
        user_ids = [cached_user.user.id for cached_user in stale]
        change_counts = [cached_user.change_count for cached_user in stale]
        session_ids = [session.id for cached_user in stale for session in cached_user.sessions]
        async with database.guard():
            sql = database.connection()
            # The memberships first: the next comparison starts from the counter that is read with them.
            memberships = await change_counters.memberships(sql, user_ids)
            ended = await change_counters.revoked_sessions(sql, session_ids)
        await asyncio.sleep(grace_s)
        repairs_before = self._repair_count
        for session_id, session in ended.items():
            reason = SessionEndReason(session.reason or SessionEndReason.SESSION_ENDED)
            signal = SessionEnded(session.user_id, session_id, CloseCode.SESSION_REVOKED, reason)
            self._repair("session_ended", signal)
        started: list[tuple[UUID, change_counters.MembershipRow]] = []
        renewed: list[tuple[CachedUser, int, int]] = []
        for cached_user, changes in zip(stale, change_counts, strict=True):
            known = memberships.get(cached_user.user.id)
            if known is not None and cached_user.change_count == changes:
                if cached_user.loaded:  # otherwise only its sessions are cached: no socket receives rooms
                    changed_rooms = self._repair_changes(cached_user, known)
                    started += [(cached_user.user.id, room) for room in changed_rooms]
                renewed.append((cached_user, cached_user.version, known.version))
        if started:
            await self._add_memberships(started)
        for cached_user, old, new in renewed:  # last: who waits for this version must find all repairs
            if cached_user.version == old:
                cached_user.version = new
        if grace_s and self._repair_count > repairs_before:
            self._cache.record_signal_loss()

    def _repair(self, kind: str, signal: Signal) -> None:
        metrics.count("reconciler_repairs", kind)
        self._repair_count += 1
        self._deliver(signal)

    def _repair_changes(
        self, cached_user: CachedUser, known: change_counters.UserMemberships
    ) -> list[change_counters.MembershipRow]:
        """Deliver the ended and changed memberships. Returns those that began."""
        started = []
        for room in known.rooms:
            membership = cached_user.membership(room.room_id)
            if membership is None or membership.joined_seq < room.joined_seq:
                started.append(room)
            elif (membership.role, membership.muted) != (room.role, room.muted):
                muted = room.muted if room.muted != membership.muted else None
                changed = MemberChanged(cached_user.user.id, room.room_id, role=room.role, muted=muted)
                self._repair("membership_changed", changed)
        for room_id in cached_user.rooms.keys() - {room.room_id for room in known.rooms}:
            self._repair("membership_ended", MemberChanged(cached_user.user.id, room_id, ended=True))
            self._ended_memberships.append(_EndedMembership(cached_user.user.id, room_id))
        return started

    async def _add_memberships(self, started: Sequence[tuple[UUID, change_counters.MembershipRow]]) -> None:
        async with database.guard():
            rows = await room_queries.rooms_of_members(
                database.connection(), [(user_id, room.room_id) for user_id, room in started]
            )
        for user_id, room in started:
            row = rows.get((user_id, room.room_id))
            if row is not None:
                view = rooms.to_view(row)
                joined = MemberJoined(user_id, room.room_id, room.joined_seq, view, room.version)
                self._repair("membership_started", joined)

    def _expel_removed(self) -> None:
        """Remove the sockets of ended memberships from their rooms.

        By now the users have received their last entry of the room. The delivery normally removes them with
        it; this covers the case that it did not.
        """
        ended, self._ended_memberships = self._ended_memberships, []
        for user_id, room_id in ended:
            cached_user = self._cache.get_any(user_id)
            if cached_user is None or cached_user.membership(room_id) is None:
                self._expel(user_id, room_id)
