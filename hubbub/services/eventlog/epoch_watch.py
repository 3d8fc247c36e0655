"""The epoch as an instance knows it, and the evidence by which an instance finds that the history went back.

Once a second, and whenever the database is available again, the epoch and the positions of this instance are
compared with the database. A position is the highest `seq` of a room that was delivered or acknowledged here.
"""

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.queries.eventlog import epochs as rows
from hubbub.queries.eventlog.epochs import Claim
from hubbub.queries.eventlog.event_log import LogHead
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause

if TYPE_CHECKING:
    import asyncio

log = logging.getLogger(__name__)

EVERY_S = 0.8  # and the time of a check: together less than a second
ROOMS = 2000  # acknowledged to users without a socket here: the latest ones are compared
FURTHEST_AHEAD = 1_000_000  # a cursor that is further ahead is no evidence
CLAIMS = 100  # to be stored at the next check; one is enough to raise the epoch
USERS = 10_000  # whose claims are known to be stored


class Cursor(NamedTuple):
    """The last entry `seq` that a client has of a room, whose log ends at `last_seq`."""

    room_id: UUID
    seq: int
    last_seq: int


class HistoryChanged(Exception):
    """A write found another epoch, or the end of a room's log before a position: nothing was written."""

    def __init__(self, epoch: str, room_id: UUID, last_seq: int) -> None:
        """`epoch` is the one of this instance."""
        super().__init__()
        self.epoch = epoch
        self.room_id = room_id
        self.last_seq = last_seq


class EpochWatch:
    """The epoch of this instance, its positions, and the claims of its clients."""

    def __init__(self, value: str) -> None:
        self.value = value
        self._acknowledged: OrderedDict[UUID, int] = OrderedDict()  # of rooms that are not delivered here
        self._delivered: Callable[[UUID], int | None] = lambda _: None
        self._listeners: list[Callable[[Cause], None]] = []
        self._claims: dict[UUID, Claim] = {}  # by user; to be stored
        self._claimed: OrderedDict[UUID, None] = OrderedDict()  # users, of this epoch
        self._task: asyncio.Task[None] | None = None
        self._soon = tasks.Soon(self.check, name="epoch at once")

    def start(self, delivered: Callable[[UUID], int | None], listener: Callable[[Cause], None]) -> None:
        """Begin to check. `delivered` returns how far a room is delivered here, if it is.

        `listener` is called when the epoch has changed, with the positions forgotten: it discards what else
        this instance keeps of the history. It must not block.
        """
        self._delivered = delivered
        self._listeners.append(listener)
        database.on_available(self.check_soon)
        self._task = tasks.spawn(tasks.every(EVERY_S, self.check, name="epoch"), name="epoch")

    async def close(self) -> None:
        task, self._task = self._task, None
        await tasks.stop(task)

    # Positions.

    def acknowledged(self, room_id: UUID, seq: int) -> None:
        """An entry was acknowledged, or a room is no longer delivered here from this `seq` on."""
        delivered = self._delivered(room_id)
        if (delivered is None or delivered < seq) and seq > self._acknowledged.get(room_id, 0):
            self._acknowledged[room_id] = seq
            self._acknowledged.move_to_end(room_id)
            if len(self._acknowledged) > ROOMS:
                self._acknowledged.popitem(last=False)

    def position(self, room_id: UUID) -> int:
        """The highest `seq` that was delivered or acknowledged here in this epoch, as far as it is known."""
        return max(self._acknowledged.get(room_id, 0), self._delivered(room_id) or 0)

    def require(self, room_id: UUID, last_seq: int) -> None:
        """Check the end of a locked room: all that is known here is before it. Raises Unavailable."""
        if last_seq < self.position(room_id):
            tasks.spawn(self._find(self.value, room_id, last_seq), name="history went back")
            raise Unavailable

    def require_same(self, heads: Mapping[UUID, LogHead]) -> None:
        """Check the ends of locked rooms, and the epoch that was read with them. Raises HistoryChanged."""
        for room_id, head in heads.items():
            if head.epoch != self.value or head.last_seq < self.position(room_id):
                raise HistoryChanged(self.value, room_id, head.last_seq)

    async def resolve(self, change: HistoryChanged) -> None:
        """Adopt what a write found; raise the epoch if that has not been done. Raises Unavailable."""
        await self.read()
        if change.last_seq < self.position(change.room_id):
            await self.went_back(change.epoch, change.room_id, change.last_seq)

    async def _find(self, epoch: str, room_id: UUID, last_seq: int) -> None:
        with suppress(Unavailable):  # the next check finds it, too
            await self.went_back(epoch, room_id, last_seq)

    # Checks.

    def check_soon(self) -> None:
        """Check now, once for all who ask meanwhile."""
        if self._task is not None:
            self._soon.run()

    async def check(self) -> None:
        """Read the epoch, compare the positions, store the claims. Raises Unavailable."""
        await self.read()
        await self._compare(self.value, dict(self._acknowledged))
        await self._settle()

    async def read(self) -> None:
        """Adopt the epoch of the database if it is another one. Raises Unavailable."""
        async with database.guard():
            stored = await rows.read(database.connection())
        if stored.epoch is None or stored.epoch == self.value:
            return  # without one, a restore by other means is under way
        if stored.epoch < self.value:
            # An earlier epoch: of a backup from before the last raise.
            await epochs.raise_from(stored.epoch, Cause.POSITIONS, known=self.value)
            async with database.guard():
                stored = await rows.read(database.connection())
        if stored.epoch is not None and stored.epoch != self.value:
            self._adopt(stored)

    def _adopt(self, stored: rows.Stored) -> None:
        cause = Cause(stored.cause) if stored.cause in list(Cause) else Cause.RESTORE
        log.info("another epoch", extra={"before": self.value, "epoch": stored.epoch, "cause": cause.value})
        metrics.count("epochs_adopted")
        self.value = stored.epoch or self.value
        self._acknowledged.clear()
        self._claims.clear()
        self._claimed.clear()
        for listener in self._listeners:
            listener(cause)

    async def _compare(self, epoch: str, known: Mapping[UUID, int]) -> None:
        async with database.guard():
            found = await rows.behind(database.connection(), known)
        for room_id, last_seq in found[:1]:
            await self.went_back(epoch, room_id, last_seq)

    async def went_back(self, epoch: str, room_id: UUID, last_seq: int | None) -> None:
        """The log of a room ends before a position of `epoch`: raise that, and adopt. Raises Unavailable."""
        if epoch != self.value:
            return  # the position was one of before
        facts: epochs.Facts = {
            "room_id": str(room_id),
            "last_seq": last_seq,
            "position": self.position(room_id),
        }
        await epochs.raise_from(epoch, Cause.POSITIONS, facts)
        await self.read()

    # Claims.

    def compare_cursor(self, user_id: UUID, epoch: str, cursor: Cursor) -> None:
        """Take note of the cursor of a client in this epoch: one that is ahead is evidence."""
        ahead = cursor.seq - cursor.last_seq
        if ahead <= 0 or epoch != self.value:
            return
        metrics.count("cursors_ahead")
        if ahead > FURTHEST_AHEAD or user_id in self._claimed or len(self._claims) >= CLAIMS:
            return
        self._claims.setdefault(user_id, Claim(user_id, epoch, *cursor))
        self.check_soon()

    async def _settle(self) -> None:
        claims = list(self._claims.values())
        if not claims:
            async with database.guard():
                if await rows.due(database.connection(), self.value, clock.now()) is None:
                    return
        await epochs.settle(claims)
        for claim in claims:
            if self._claims.pop(claim.user_id, None) is not None:
                self._claimed[claim.user_id] = None
        while len(self._claimed) > USERS:
            self._claimed.popitem(last=False)
        await self.read()
