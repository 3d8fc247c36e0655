"""Messages into the log, in batches: whatever arrived while one batch was written goes into the next.

There is no timer: at low load a batch is one message and starts at once; under load batches grow by
themselves. On PostgreSQL a batch is one statement (`queries/eventlog/append_batch.py`); what that leaves
takes one transaction with a handful of set-based statements, as everything does on SQLite. Each message is
answered after its commit. A message that can't be stored fails alone.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Conflict, HubbubError, Internal, Unavailable, fresh
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.chat import search
from hubbub.queries.eventlog import append_batch, event_log
from hubbub.schemas.eventlog.entries import Entry
from hubbub.services.eventlog import batches
from hubbub.services.eventlog import event_log as log
from hubbub.services.eventlog.epoch_watch import HistoryChanged
from hubbub.services.eventlog.pending_message import PendingMessage, Stored

if TYPE_CHECKING:
    from hubbub.cluster.bus import Bus
    from hubbub.services.eventlog.epoch_watch import EpochWatch

logger = logging.getLogger(__name__)  # `log` is the module of rooms' entries here

# Small enough for the next one to be made ready while it is written: 64 messages cost a PostgreSQL 4 ms.
BATCH = 64
WAITING = 10_000
# Of the loop, before a batch is taken: what the last one told is written out, and who hears of it may go on
# with the next message, which then is in this batch. They are microseconds where there is nothing to write.
TURNS = 2
UNKNOWN = -1  # the version of a standing that is to be compared with the database
SECONDS = 5.0  # for a batch; who waited as long in the queue is answered when a batch fails


class MessageWriter:
    """The one writer of messages of this instance.

    On PostgreSQL it has two hands: one makes a batch ready while the other waits for its commit. A room is in
    one hand at a time, so that its messages keep the order they came in.
    """

    def __init__(self, bus: "Bus", epochs: "EpochWatch") -> None:
        self._bus = bus
        self._epochs = epochs
        self._waiting: list[PendingMessage] = []
        self._some = asyncio.Event()
        self._hands: list[asyncio.Task[None]] = []
        self._busy: set[UUID] = set()  # rooms
        self._written: list[list[PendingMessage]] = []  # one batch for each hand that writes
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        """Begin writing."""
        hands = 2 if database.dialect() == "postgres" else 1
        self._hands = [tasks.spawn(self._run(), name="appender") for _ in range(hands)]

    async def close(self) -> None:
        """Write what is waiting, then stop; what can't be written in time is answered `unavailable`.

        Every message has its answer after SECONDS. A hand may need longer to give its connection back, and is
        not waited for longer than `tasks.stop` waits.
        """
        hands, self._hands = self._hands, []
        if hands:
            try:
                await asyncio.wait_for(self._idle.wait(), SECONDS)
            except TimeoutError:
                logger.warning("messages were waiting when the instance stopped")
        self._closed = True
        unanswered = [*chain.from_iterable(self._written), *self._waiting]
        self._waiting.clear()
        for outgoing in unanswered:
            outgoing.settle(Unavailable())
        await asyncio.gather(*(tasks.stop(hand) for hand in hands))

    def put(self, outgoing: PendingMessage) -> None:
        """Store a message behind all that was put before; what became of it is told to `outgoing.then`.

        That is Stored, after its commit; NotMember if the sender was removed meanwhile, Conflict for a
        `client_id` used in another room, Unavailable when the database is away: whether it was stored is
        then settled by sending it again. Raises Unavailable when too much is waiting.
        """
        if self._closed:
            raise Unavailable
        if len(self._waiting) >= WAITING:
            metrics.count("messages_rejected_queue_full")
            raise Unavailable("Too many messages are waiting to be stored.", retry_after_ms=1000)
        self._waiting.append(outgoing)
        self._idle.clear()
        self._some.set()

    async def append(self, outgoing: PendingMessage) -> Stored:
        """The same, for who waits for it: returns after the commit, raises what else became of it."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        outgoing.then = lambda _: None if done.done() else done.set_result(None)
        self.put(outgoing)
        await done
        if isinstance(outgoing.answer, Stored):
            return outgoing.answer
        raise fresh(outgoing.answer or Internal())

    async def _run(self) -> None:
        while True:
            await self._some.wait()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            batch = self._take()
            if not batch:
                self._some.clear()
                continue
            rooms = {outgoing.standing.room_id for outgoing in batch}
            self._busy |= rooms
            self._written.append(batch)
            try:
                await self._store(batch)
            finally:
                for outgoing in batch:  # cut off in the middle
                    outgoing.settle(Unavailable())
                self._written = [other for other in self._written if other is not batch]
                self._busy -= rooms
                self._some.set()
            if not self._waiting and not self._busy:
                self._idle.set()

    def _take(self) -> list[PendingMessage]:
        """What may be written now, in the order it came."""
        batch: list[PendingMessage] = []
        rest: list[PendingMessage] = []
        for outgoing in self._waiting:
            free = len(batch) < BATCH and outgoing.standing.room_id not in self._busy
            (batch if free else rest).append(outgoing)
        self._waiting = rest
        return batch

    async def _store(self, batch: list[PendingMessage]) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                await self._write(batch)
        except Unavailable:
            self._give_up(batch)
        except TimeoutError:
            database.suspect("a batch of messages took too long")
            self._give_up(batch)
        except Exception as error:  # noqa: BLE001 - it is answered or logged, message by message
            await self._store_apart([each for each in batch if each.answer is None], error)

    def _stored(
        self, entries: list[Entry], answers: Sequence[tuple[PendingMessage, Stored | HubbubError]]
    ) -> None:
        """After a commit, at once: the acks first, then what everybody is told; one write for both."""
        metrics.count("message_batches")
        metrics.count("messages_stored", by=len(entries))
        for outgoing, answer in answers:
            outgoing.settle(answer)
        for signal in log.to_signals(entries):
            self._bus.publish(signal)
            self._epochs.acknowledged(signal.room_id, signal.entries[-1].seq)

    def _give_up(self, batch: list[PendingMessage]) -> None:
        """The database is away: an honest no, also to those behind who waited long enough."""
        now = clock.monotonic()
        late = {id(each) for each in self._waiting if now - each.since >= SECONDS}
        for outgoing in [*batch, *(each for each in self._waiting if id(each) in late)]:
            outgoing.settle(Unavailable())
        self._waiting = [each for each in self._waiting if id(each) not in late]
        if not self._waiting:
            self._some.clear()

    async def _store_apart(self, batch: list[PendingMessage], error: Exception) -> None:
        """One of them is poisoned: find it, so that it fails alone."""
        if not batch:
            metrics.count("messages_failed")
            logger.error("stored messages could not be announced", exc_info=error)
        elif len(batch) == 1:
            answer = fresh(error) if isinstance(error, HubbubError) else _unexpected(error)
            batch[0].settle(answer)
        else:
            metrics.count("message_batches_split")
            for outgoing in batch:
                await self._store([outgoing])

    async def _write(self, batch: list[PendingMessage]) -> None:
        """What is as it was believed by one statement, where there is one; the rest carefully."""
        if database.dialect() == "postgres":
            await self._write_fast(batch)
            batch = [outgoing for outgoing in batch if outgoing.answer is None]
        if not batch:
            return
        try:
            await self._write_checked(batch)
        except HistoryChanged as change:
            await self._epochs.resolve(change)
            for outgoing in batch:
                outgoing.standing.version = UNKNOWN
            try:
                await self._write_checked(batch)
            except HistoryChanged:
                raise Unavailable from None

    async def _write_fast(self, batch: list[PendingMessage]) -> None:
        """One round trip. Stores all that it can or nothing; answers what it stored."""
        at = clock.now()
        stamp = clock.rfc3339(at)
        once: dict[tuple[UUID, UUID], PendingMessage] = {}
        for outgoing in batch:
            once.setdefault(outgoing.key, outgoing)
        position = self._epochs.position
        rows = [outgoing.pieces(stamp, position(outgoing.standing.room_id)) for outgoing in once.values()]
        named = [(each.id, user_id) for each in once.values() if each.mentions for user_id in each.called()]
        try:
            async with database.guard():
                seqs = await append_batch.append_messages(
                    database.connection(), rows, named, at, self._epochs.value
                )
        except HubbubError:
            raise
        except Exception:  # noqa: BLE001 - what is wrong with which message is found out carefully
            metrics.count("message_batches_rechecked")
            return
        entries, answers = [], []
        for outgoing, row in zip(once.values(), rows, strict=True):
            if (seq := seqs.get(row.id)) is not None:
                entries.append(Entry(row.room_id, seq, "message:new", row.payload(seq)))
                answers.append((outgoing, Stored(seq)))
        if entries:
            self._stored(entries, answers)

    async def _write_checked(self, batch: list[PendingMessage]) -> None:
        """One transaction. Answers each message after the commit. Raises HistoryChanged before it writes."""
        answers: list[tuple[PendingMessage, Stored | HubbubError]] = []
        async with database.transaction() as tx:
            at = clock.now()
            heads = await event_log.lock_rooms(tx, {outgoing.standing.room_id for outgoing in batch})
            self._epochs.require_same(heads)
            fresh = await batches.accept(tx, batch, heads, answers)
            entries = await self._insert(tx, fresh, heads, at, answers) if fresh else []
        self._stored(entries, answers)

    async def _insert(
        self,
        tx: Sql,
        fresh: list[PendingMessage],
        heads: dict[UUID, event_log.LogHead],
        at: datetime,
        answers: list[tuple[PendingMessage, Stored | HubbubError]],
    ) -> list[Entry]:
        stamp = clock.rfc3339(at)
        for outgoing in fresh:
            outgoing.write(stamp)
        ends = {room_id: log.Head(room_id, head) for room_id, head in heads.items()}
        entries = await log.append(tx, [(ends[o.standing.room_id], [o.draft()]) for o in fresh], at)
        new = list(zip(fresh, [entry.seq for entry in entries], strict=True))
        await event_log.insert_messages(tx, [outgoing.row(seq, at) for outgoing, seq in new])
        await event_log.advance_read_marks(tx, {(o.standing.room_id, o.sender.id): seq for o, seq in new})
        if named := [(o.id, o.standing.room_id, seq, user) for o, seq in new for user in o.called()]:
            await event_log.insert_mentions(tx, named)
        await search.add(tx, [(o.id, o.standing.room_id, o.body) for o in fresh])
        answers.extend((outgoing, Stored(seq)) for outgoing, seq in new)
        return entries


def _unexpected(error: Exception) -> HubbubError:
    if database.is_duplicate(error):
        return Conflict("This client_id was used for another message.")
    metrics.count("messages_failed")
    logger.error("a message could not be stored", exc_info=error)
    return Internal()
