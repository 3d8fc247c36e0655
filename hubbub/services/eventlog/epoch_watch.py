"""The epoch as this instance has it, and the evidence that the log went back, for example by a restore.

Once a second, and whenever the database is available again, the epoch and the positions of this instance are
compared with the database. A position is the highest `seq` of a room that was delivered or acknowledged here.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.eventlog import epochs as rows
from hubbub.queries.eventlog.epochs import Claim
from hubbub.queries.eventlog.event_log import LogHead
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause

log = logging.getLogger(__name__)

CHECK_INTERVAL_S = 0.8  # plus the time of a check: together less than a second
MAX_ACKNOWLEDGED_ROOMS = 2000  # rooms without a socket here; the latest ones are compared
MAX_SEQS_AHEAD = 1_000_000  # a cursor that is further ahead is no evidence
MAX_PENDING_CLAIMS = 100  # stored at the next check; one is enough to raise the epoch
MAX_CLAIMED_USERS = 10_000  # users whose stored claims are remembered


class Cursor(NamedTuple):
    """The last entry `seq` that a client has received of a room, whose log ends at `last_seq`."""

    room_id: UUID
    seq: int
    last_seq: int


class HistoryChanged(Exception):
    """A write found another epoch, or a log that ends before a position. Nothing was written."""

    def __init__(self, epoch: str, room_id: UUID, last_seq: int) -> None:
        """Store what the write found. `epoch` is the one of this instance."""
        super().__init__()
        self.epoch = epoch  # of this instance, before the write
        self.room_id = room_id  # the room whose log was compared
        self.last_seq = last_seq  # the end of its log in the database


class EpochWatch:
    """The epoch of this instance, its positions, and the claims of its clients."""

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch  # of this instance
        # Highest `seq` of rooms without sockets here.
        self._acknowledged: OrderedDict[UUID, int] = OrderedDict()
        self._delivered_seq: Callable[[UUID], int | None] = lambda _: None  # of the delivery
        self._listeners: list[Callable[[Cause], None]] = []  # called after the epoch changed
        self._pending_claims: dict[UUID, Claim] = {}  # by user; stored at the next check
        # Users with a stored claim in this epoch.
        self._claimed_users: OrderedDict[UUID, None] = OrderedDict()
        # Checks about once a second.
        self._task = tasks.PeriodicTask(self.check, name="epoch", interval_s=CHECK_INTERVAL_S)
        # Checks between the regular times.
        self._immediate_check = tasks.CoalescingTask(self.check, name="epoch at once")

    def start(
        self, delivered_seq: Callable[[UUID], int | None], on_epoch_changed: Callable[[Cause], None]
    ) -> None:
        """Start checking. `delivered_seq` returns how far a room is delivered here, or None.

        `on_epoch_changed` is called when the epoch has changed and the positions were dropped. It discards
        what else this instance caches of the logs. It must not block.
        """
        self._delivered_seq = delivered_seq
        self._listeners.append(on_epoch_changed)
        database.on_available(self.check_soon)
        self._task.start()

    def add_listener(self, on_epoch_changed: Callable[[Cause], None]) -> None:
        """Call a function when the epoch has changed, as `start` describes."""
        self._listeners.append(on_epoch_changed)

    async def close(self) -> None:
        """Stop checking."""
        await self._task.close()

    # Positions.

    def record_acknowledged(self, room_id: UUID, seq: int) -> None:
        """Record that an entry was acknowledged, or that delivery of a room ended here at this `seq`."""
        delivered = self._delivered_seq(room_id)
        if (delivered is None or delivered < seq) and seq > self._acknowledged.get(room_id, 0):
            self._acknowledged[room_id] = seq
            self._acknowledged.move_to_end(room_id)
            if len(self._acknowledged) > MAX_ACKNOWLEDGED_ROOMS:
                self._acknowledged.popitem(last=False)

    def position(self, room_id: UUID) -> int:
        """Return the highest `seq` that was delivered or acknowledged here in this epoch; 0: unknown."""
        return max(self._acknowledged.get(room_id, 0), self._delivered_seq(room_id) or 0)

    def require_not_behind(self, room_id: UUID, last_seq: int) -> None:
        """Check that the log of a locked room does not end before its position. Raises Unavailable."""
        if last_seq < self.position(room_id):
            tasks.spawn(self._handle_rollback(self.epoch, room_id, last_seq), name="rollback")
            raise Unavailable

    def require_unchanged(self, heads: Mapping[UUID, LogHead]) -> None:
        """Check the ends of locked rooms, and the epoch that was read with them. Raises HistoryChanged."""
        for room_id, head in heads.items():
            if head.epoch != self.epoch or head.last_seq < self.position(room_id):
                raise HistoryChanged(self.epoch, room_id, head.last_seq)

    async def resolve(self, change: HistoryChanged) -> None:
        """Adopt the epoch after HistoryChanged; raise it if no process has done so. Raises Unavailable."""
        await self.refresh()
        if change.last_seq < self.position(change.room_id):
            await self.handle_rollback(change.epoch, change.room_id, change.last_seq)

    async def _handle_rollback(self, epoch: str, room_id: UUID, last_seq: int) -> None:
        with suppress(Unavailable):  # the next check finds it too
            await self.handle_rollback(epoch, room_id, last_seq)

    # Checks.

    def check_soon(self) -> None:
        """Check now. Calls before the check starts share it."""
        if self._task.running:
            self._immediate_check.trigger()

    async def check(self) -> None:
        """Read the epoch, compare the positions, store the claims. Raises Unavailable."""
        await self.refresh()
        await self._compare_positions(self.epoch, dict(self._acknowledged))
        await self._store_claims()

    async def refresh(self) -> None:
        """Adopt the epoch of the database if it differs. Raises Unavailable."""
        async with database.guard():
            stored = await rows.read(database.connection())
        if stored.epoch is None or stored.epoch == self.epoch:
            return  # None: a restore by other means is under way
        if stored.epoch < self.epoch:
            # An earlier epoch comes from a backup that is older than the last raise.
            await epochs.raise_epoch(stored.epoch, Cause.POSITIONS, newest_known=self.epoch)
            async with database.guard():
                stored = await rows.read(database.connection())
        if stored.epoch is not None and stored.epoch != self.epoch:
            self._adopt(stored)

    def _adopt(self, stored: rows.StoredEpoch) -> None:
        cause = Cause(stored.cause) if stored.cause in list(Cause) else Cause.RESTORE
        log.info(
            "adopted another epoch", extra={"before": self.epoch, "epoch": stored.epoch, "cause": cause.value}
        )
        metrics.count("epochs_adopted")
        self.epoch = stored.epoch or self.epoch
        self._acknowledged.clear()
        self._pending_claims.clear()
        self._claimed_users.clear()
        for listener in self._listeners:
            listener(cause)

    async def _compare_positions(self, epoch: str, positions: Mapping[UUID, int]) -> None:
        async with database.guard():
            behind = await rows.rooms_behind(database.connection(), positions)
        for room_id, last_seq in behind[:1]:
            await self.handle_rollback(epoch, room_id, last_seq)

    async def handle_rollback(self, epoch: str, room_id: UUID, last_seq: int | None) -> None:
        """Raise `epoch`, because a room's log ends before a position of it, and adopt the new one.

        Raises Unavailable.
        """
        if epoch != self.epoch:
            return  # the position belongs to an earlier epoch
        facts: epochs.Facts = {
            "room_id": str(room_id),
            "last_seq": last_seq,
            "position": self.position(room_id),
        }
        await epochs.raise_epoch(epoch, Cause.POSITIONS, facts)
        await self.refresh()

    # Claims.

    def check_cursor(self, user_id: UUID, epoch: str, cursor: Cursor) -> None:
        """Compare the cursor of a client with the log: a cursor that is ahead in this epoch is evidence."""
        ahead = cursor.seq - cursor.last_seq
        if ahead <= 0 or epoch != self.epoch:
            return
        metrics.count("cursors_ahead")
        if (
            ahead > MAX_SEQS_AHEAD
            or user_id in self._claimed_users
            or len(self._pending_claims) >= MAX_PENDING_CLAIMS
        ):
            return
        self._pending_claims.setdefault(user_id, Claim(user_id, epoch, *cursor))
        self.check_soon()

    async def _store_claims(self) -> None:
        claims = list(self._pending_claims.values())
        if not claims:
            async with database.guard():
                if await rows.due_claim(database.connection(), self.epoch, clock.now()) is None:
                    return
        await epochs.process_claims(claims)
        for claim in claims:
            if self._pending_claims.pop(claim.user_id, None) is not None:
                self._claimed_users[claim.user_id] = None
        while len(self._claimed_users) > MAX_CLAIMED_USERS:
            self._claimed_users.popitem(last=False)
        await self.refresh()
