"""What the bus lost, found in the database: who was removed, let in, suspended, whose session ended.

Every change of a session or a membership counts up its user's `version`, in the same transaction. About once
a second one query compares the counters of all users who are known here; only of those who moved more is
read. What is found is told to the listeners of this instance as the signal that did not come.
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
from hubbub.schemas.users.users import User
from hubbub.services.chat import rooms
from hubbub.services.instance.cached_user import CachedUser
from hubbub.services.instance.membership_cache import MembershipCache
from hubbub.services.users import account_view

# Twice within the second in which a revocation must have arrived, were it the slowest one.
EVERY_S = 0.6
COMPARED = 1000  # users a query: it holds up the event loop for about a millisecond
READ = 200  # users whose memberships are read at once
MOMENT_S = 0.05  # after a commit, for the signal that tells of it
TRIES = 5

ENDED = "session_ended"


class _Place(NamedTuple):
    """Somebody in a room, in which they are no longer."""

    user_id: UUID
    room_id: UUID


class Reconciler:
    """Compares what an instance knows with the database.

    `tell` hears what is found; `expel` is called a while after a membership was found to have ended.
    """

    def __init__(
        self, residents: MembershipCache, tell: Callable[[Signal], None], expel: Callable[[UUID, UUID], None]
    ) -> None:
        self._residents = residents
        self._tell = tell
        self._expel = expel
        self._leavers: list[_Place] = []
        self._found = 0
        self._reconciled: BatchLoader[UUID, None] = BatchLoader(self._reconcile, name="reconcile users")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin comparing."""
        self._task = tasks.spawn(tasks.every(EVERY_S, self.check, name="truth"), name="truth")

    async def close(self) -> None:
        await tasks.stop(self._task)

    def check_soon(self) -> None:
        """Signals were lost: compare now."""

        async def now() -> None:
            with suppress(Unavailable):  # then at the next turn
                await self.check()

        tasks.spawn(now(), name="truth at once")

    async def check(self) -> None:
        """One comparison. Raises Unavailable."""
        began = clock.monotonic()
        self._residents.tidy()
        self._see_off()
        known = list(self._residents.seen())
        for start in range(0, len(known), COMPARED):
            await self._compare(known[start : start + COMPARED])
        self._residents.checked_at = began

    async def reconcile(self, user_id: UUID, version: int) -> None:
        """Bring what is known of a user up to `version` of their row, or later. Raises Unavailable."""
        for _ in range(TRIES):
            resident = self._residents.any(user_id)
            if resident is None or not resident.sessions or resident.version >= version:
                return
            await self._reconciled.get(user_id)
        raise Unavailable("Your rooms are changing too fast. Connect again.")

    async def _reconcile(self, user_ids: list[UUID]) -> dict[UUID, None]:
        wanted = set(user_ids)
        await self._compare([each for each in self._residents.seen() if each.user_id in wanted], moment_s=0)
        return {}

    async def _compare(self, known: Sequence[change_counters.KnownUser], moment_s: float = MOMENT_S) -> None:
        async with database.guard():
            moved = await change_counters.changed_users(database.connection(), known)
        stale = []
        for row in moved:
            resident = self._residents.any(row.user_id)
            if resident is None or self._barred(row):
                continue
            if row.marks != resident.marks:
                resident.marks, resident.marked_at = row.marks, clock.monotonic()
            if row.version != resident.version:
                self._account(resident, row)
                stale.append(resident)
        for start in range(0, len(stale), READ):
            await self._renew(stale[start : start + READ], moment_s)

    def _barred(self, row: change_counters.ChangedUser) -> bool:
        """Whether the user may do nothing any more, which is told."""
        if row.deleted:
            self._tell(SessionEnded(row.user_id, None, "session_revoked", "account_deleted"))
        elif account_view.is_suspended(row.suspended_at, row.suspended_until):
            told = account_view.suspension(row.suspended_until, row.suspend_reason)
            self._tell(SessionEnded(row.user_id, None, "suspended", told))
        else:
            return False
        return True

    def _account(self, resident: CachedUser, row: change_counters.ChangedUser) -> None:
        user = User(
            id=row.user_id,
            username=row.username,
            display_name=row.display_name,
            avatar_url=row.avatar_url,
        )
        if user != resident.user or any(stay.role != row.role for stay in resident.sessions.values()):
            self._tell(AccountChanged(user, row.role))

    async def _renew(self, stale: Sequence[CachedUser], moment_s: float) -> None:
        """Read what moved, and tell the differences; of whoever changes meanwhile, at the next comparison."""
        before = [resident.changes for resident in stale]
        own = [session_id for resident in stale for session_id in resident.sessions]
        async with database.guard():
            sql = database.connection()
            # The memberships first: with them comes the counter from which the next comparison goes on.
            found = await change_counters.memberships(sql, [resident.user.id for resident in stale])
            ended = await change_counters.ended_sessions(sql, own)
        await asyncio.sleep(moment_s)
        found_before = self._found
        for session_id, session in ended.items():
            reason = session.reason or ENDED
            self._find("session_ended", SessionEnded(session.user_id, session_id, "session_revoked", reason))
        begun: list[tuple[UUID, change_counters.MembershipRow]] = []
        renewed: list[tuple[CachedUser, int, int]] = []
        for resident, changes in zip(stale, before, strict=True):
            known = found.get(resident.user.id)
            if known is not None and resident.loaded and resident.changes == changes:
                begun += [(resident.user.id, room) for room in self._differences(resident, known)]
                renewed.append((resident, resident.version, known.version))
        if begun:
            await self._let_in(begun)
        for resident, old, new in renewed:  # who waits for this version finds all of it
            if resident.version == old:
                resident.version = new
        if moment_s and self._found > found_before:
            self._residents.note_loss()

    def _find(self, kind: str, signal: Signal) -> None:
        metrics.count("reconciler_repairs", kind)
        self._found += 1
        self._tell(signal)

    def _differences(
        self, resident: CachedUser, known: change_counters.UserMemberships
    ) -> list[change_counters.MembershipRow]:
        """Tell what ended and what changed; returns the memberships that began."""
        begun = []
        for room in known.rooms:
            standing = resident.rooms.get(room.room_id)
            if standing is None or standing.since < room.since:
                begun.append(room)
            elif (standing.role, standing.muted) != (room.role, room.muted):
                muted = room.muted if room.muted != standing.muted else None
                changed = MemberChanged(resident.user.id, room.room_id, role=room.role, muted=muted)
                self._find("membership_changed", changed)
        for room_id in resident.rooms.keys() - {room.room_id for room in known.rooms}:
            self._find("membership_ended", MemberChanged(resident.user.id, room_id, ended=True))
            self._leavers.append(_Place(resident.user.id, room_id))
        return begun

    async def _let_in(self, begun: Sequence[tuple[UUID, change_counters.MembershipRow]]) -> None:
        async with database.guard():
            shown = await room_queries.rooms_of_members(
                database.connection(), [(user_id, room.room_id) for user_id, room in begun]
            )
        for user_id, room in begun:
            row = shown.get((user_id, room.room_id))
            if row is not None:
                view = rooms.show(row)
                self._find(
                    "membership_started", MemberJoined(user_id, room.room_id, room.since, view, room.version)
                )

    def _see_off(self) -> None:
        """Those whose memberships ended got their last entry by now, strictly in order; this makes sure."""
        leavers, self._leavers = self._leavers, []
        for user_id, room_id in leavers:
            resident = self._residents.any(user_id)
            if resident is None or room_id not in resident.rooms:
                self._expel(user_id, room_id)
