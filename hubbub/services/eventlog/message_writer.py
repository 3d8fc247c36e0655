"""Writes messages into the logs in batches: messages that arrive during one write form the next batch.

There is no timer: a batch is one message at low load, and grows under load. It is one statement on
PostgreSQL (`queries/eventlog/append_batch.py`) and one call into the thread of SQLite
(`queries/eventlog/append_batch_sqlite.py`). What it does not store takes one transaction of a few set-based
statements. Messages are acknowledged after their commit. One that can't be stored fails alone.
"""

import asyncio
import logging
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, metrics, tasks
from hubbub.core.errors import Conflict, HubbubError, Internal, Unavailable, unraised_copy
from hubbub.db import database
from hubbub.db.engines.held import HeldConnection
from hubbub.queries.eventlog import event_log
from hubbub.schemas.eventlog.entries import Entry
from hubbub.services.eventlog import batches, fast_batches
from hubbub.services.eventlog import event_log as log
from hubbub.services.eventlog.epoch_watch import HistoryChanged
from hubbub.services.eventlog.pending_message import PendingMessage, Stored

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.cluster.bus import Bus
    from hubbub.services.eventlog.epoch_watch import EpochWatch

logger = logging.getLogger(__name__)  # `log` is the event log here

# Small, so that the next batch is prepared while this one is written: PostgreSQL takes 4 ms for 64 messages.
MAX_BATCH_MESSAGES = 64
MAX_SQLITE_BATCH_MESSAGES = 200  # in 10 ms; a message of a larger batch takes less
MAX_QUEUED_MESSAGES = 10_000
# Event loop turns before a batch, if batches are larger than one message: acks are sent, and the next
# messages of their clients join the batch. At low load there are none to wait for.
LOOP_YIELDS = 2
HOLD_S = 0.1  # for which an idle worker keeps its connection
UNKNOWN_VERSION = -1  # `version` of a membership that must be compared with the database
WRITE_TIMEOUT_S = 5.0  # for a batch; messages queued as long are rejected when a batch fails


class MessageWriter:
    """The only writer of messages on this instance.

    It has two workers: one prepares a batch while the other waits for its commit. Only one worker handles a
    room at a time, so that the messages of a room keep their order.
    """

    def __init__(self, bus: "Bus", epoch_watch: "EpochWatch") -> None:
        self._bus = bus  # receives the stored entries
        self._epoch_watch = epoch_watch  # has the epoch and the positions that each write checks
        self._queue: list[PendingMessage] = []  # waiting messages, oldest first
        self._wakeup = asyncio.Event()  # set while a worker may find a batch
        self._workers: list[asyncio.Task[None]] = []  # two, or none while it does not run
        self._busy_rooms: set[UUID] = set()  # rooms with a message in a batch that is being written
        self._in_flight: list[list[PendingMessage]] = []  # the batch of each worker that writes
        self._last_batch_size = 1  # in messages
        self._max_batch_messages = MAX_BATCH_MESSAGES  # messages in one batch
        self._closed = False  # whether messages are rejected
        self._idle = asyncio.Event()  # set while nothing is queued or being written
        self._idle.set()

    def start(self) -> None:
        """Start the workers."""
        if database.dialect() != "postgres":
            self._max_batch_messages = MAX_SQLITE_BATCH_MESSAGES
        self._workers = [tasks.spawn(self._run(), name="appender") for _ in range(2)]

    async def close(self) -> None:
        """Write the queued messages, then stop.

        Messages that can't be written in time fail with `unavailable`.

        Every message is resolved within WRITE_TIMEOUT_S. A worker is waited for as long as `tasks.stop`
        waits.
        """
        workers, self._workers = self._workers, []
        if workers:
            try:
                await asyncio.wait_for(self._idle.wait(), WRITE_TIMEOUT_S)
            except TimeoutError:
                logger.warning("messages were still queued when the instance stopped")
        self._closed = True
        unresolved = [*chain.from_iterable(self._in_flight), *self._queue]
        self._queue.clear()
        for pending in unresolved:
            pending.resolve(Unavailable())
        await asyncio.gather(*(tasks.stop(worker) for worker in workers))

    def enqueue(self, pending: PendingMessage) -> None:
        """Queue a message behind all others of its room. Its result is passed to `pending.on_done`.

        The result is Stored, after the commit; NotMember if the sender was removed meanwhile; Conflict for a
        `client_id` used in another room; or Unavailable, after which sending it again finds out whether it
        was stored. Raises Unavailable if the queue is full.
        """
        if self._closed:
            raise Unavailable
        if len(self._queue) >= MAX_QUEUED_MESSAGES:
            metrics.count("messages_rejected_queue_full")
            raise Unavailable("Too many messages are queued.", retry_after_ms=1000)
        self._queue.append(pending)
        self._idle.clear()
        self._wakeup.set()

    async def append(self, pending: PendingMessage) -> Stored:
        """Enqueue a message and wait for its commit. Raises the error if it was not stored."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        pending.on_done = lambda _: None if done.done() else done.set_result(None)
        self.enqueue(pending)
        await done
        if isinstance(pending.result, Stored):
            return pending.result
        raise unraised_copy(pending.result or Internal())

    async def _run(self) -> None:
        held = database.held() if database.dialect() == "postgres" else None
        try:
            while True:
                await self._wait_for_messages(held)
                if batch := self._next_batch():
                    await self._run_batch(batch, held)
                else:
                    self._wakeup.clear()
        finally:
            if held is not None:
                await held.release()

    async def _wait_for_messages(self, held: HeldConnection | None) -> None:
        """Wait until there may be a batch. A connection is kept for at most HOLD_S meanwhile."""
        if held is not None and held.is_held and not self._wakeup.is_set():
            try:
                async with asyncio.timeout(HOLD_S):
                    await self._wakeup.wait()
            except TimeoutError:
                await held.release()
        await self._wakeup.wait()
        if self._last_batch_size > 1:
            for _ in range(LOOP_YIELDS):
                await asyncio.sleep(0)

    async def _run_batch(self, batch: list[PendingMessage], held: HeldConnection | None) -> None:
        rooms = {pending.membership.room_id for pending in batch}
        self._last_batch_size = len(batch)
        self._busy_rooms |= rooms
        self._in_flight.append(batch)
        try:
            await self._store(batch, held)
        finally:
            for pending in batch:  # unresolved if the write was cancelled
                pending.resolve(Unavailable())
            self._in_flight = [other for other in self._in_flight if other is not batch]
            self._busy_rooms -= rooms
            self._wakeup.set()
        if not self._queue and not self._busy_rooms:
            self._idle.set()

    def _next_batch(self) -> list[PendingMessage]:
        """Remove and return the oldest queued messages whose rooms are not busy."""
        batch: list[PendingMessage] = []
        remaining: list[PendingMessage] = []
        for pending in self._queue:
            ready = (
                len(batch) < self._max_batch_messages and pending.membership.room_id not in self._busy_rooms
            )
            (batch if ready else remaining).append(pending)
        self._queue = remaining
        return batch

    async def _store(self, batch: list[PendingMessage], held: HeldConnection | None) -> None:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S):
                await self._write(batch, held)
        except Unavailable:
            self._fail(batch)
        except TimeoutError:
            database.report_failure("writing a batch of messages timed out")
            self._fail(batch)
        except Exception as error:  # noqa: BLE001 - each message gets its own error
            rest = [pending for pending in batch if pending.result is None]
            await self._store_individually(rest, held, error)

    def _on_stored(
        self, entries: Sequence[Entry], results: Sequence[tuple[PendingMessage, Stored | HubbubError]]
    ) -> None:
        """Handle a commit at once: acks first, then signals; the socket writes both together."""
        metrics.count("message_batches")
        metrics.count("messages_stored", by=len(entries))
        for pending, result in results:
            pending.resolve(result)
        for signal in log.to_signals(entries):
            self._bus.publish(signal)
            self._epoch_watch.record_acknowledged(signal.room_id, signal.entries[-1].seq)
        if any(pending.jobs for pending, _ in results):
            self._bus.publish(JobsWaiting())

    def _fail(self, batch: list[PendingMessage]) -> None:
        """Fail a batch because the database is unavailable, and messages queued for WRITE_TIMEOUT_S."""
        now = clock.monotonic()
        overdue = {id(pending) for pending in self._queue if now - pending.queued_at >= WRITE_TIMEOUT_S}
        for pending in [*batch, *(pending for pending in self._queue if id(pending) in overdue)]:
            pending.resolve(Unavailable())
        self._queue = [pending for pending in self._queue if id(pending) not in overdue]
        if not self._queue:
            self._wakeup.clear()

    async def _store_individually(
        self, batch: list[PendingMessage], held: HeldConnection | None, error: Exception
    ) -> None:
        """Store the messages of a failed batch one by one, so that only the failing one is rejected."""
        if not batch:
            metrics.count("messages_failed")
            logger.error("stored messages not published", exc_info=error)
        elif len(batch) == 1:
            result = unraised_copy(error) if isinstance(error, HubbubError) else _to_error(error)
            batch[0].resolve(result)
        else:
            metrics.count("message_batches_split")
            for pending in batch:
                await self._store([pending], held)

    async def _write(self, batch: list[PendingMessage], held: HeldConnection | None) -> None:
        """Write a batch by one statement or call if possible, the rest of it by a checked transaction."""
        await self._write_fast(batch, held)
        batch = [pending for pending in batch if pending.result is None]
        if not batch:
            return
        try:
            await self._write_checked(batch)
        except HistoryChanged as change:
            await self._epoch_watch.resolve(change)
            for pending in batch:
                pending.membership.version = UNKNOWN_VERSION
            try:
                await self._write_checked(batch)
            except HistoryChanged:
                raise Unavailable from None

    async def _write_fast(self, batch: list[PendingMessage], held: HeldConnection | None) -> None:
        """Store a batch in one round trip or call: all that is unchanged since its check, or nothing.

        Resolves what it stored.
        """
        at = clock.now()
        created_at = clock.rfc3339(at)
        unique: dict[tuple[UUID, UUID], PendingMessage] = {}
        for pending in batch:
            if unique.setdefault(pending.key, pending) is pending:
                pending.encode_json(created_at)
        try:
            async with database.guard():
                seqs = await fast_batches.append(unique.values(), at, self._epoch_watch, held)
        except HubbubError:
            raise
        except Exception:  # noqa: BLE001 - `_write_checked` finds the failing message
            metrics.count("message_batches_rechecked")
            return
        stored = [(pending, seq) for pending in unique.values() if (seq := seqs.get(pending.id)) is not None]
        if stored:
            entries = [pending.to_entry(seq) for pending, seq in stored]
            self._on_stored(entries, [(pending, Stored(seq)) for pending, seq in stored])

    async def _write_checked(self, batch: list[PendingMessage]) -> None:
        """Store a batch in one transaction and resolve it after the commit. Raises HistoryChanged."""
        results: list[tuple[PendingMessage, Stored | HubbubError]] = []
        async with database.transaction() as tx:
            at = clock.now()
            heads = await event_log.lock_rooms(tx, {pending.membership.room_id for pending in batch})
            self._epoch_watch.require_unchanged(heads)
            accepted = await batches.partition(tx, batch, heads, results)
            stored = await batches.insert(tx, accepted, heads, at) if accepted else []
        results.extend((pending, Stored(seq)) for pending, seq in stored)
        self._on_stored([pending.to_entry(seq) for pending, seq in stored], results)


def _to_error(error: Exception) -> HubbubError:
    if isinstance(error, database.Duplicate):
        return Conflict("This client_id belongs to another message.")
    metrics.count("messages_failed")
    logger.error("message not stored", exc_info=error)
    return Internal()
