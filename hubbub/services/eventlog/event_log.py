"""The log of a room: append entries, read them, read where it ends.

Every durable event is an entry of a room's log, with the next `seq`. The row of the room is the log's lock
and holds its end. Seqs are assigned under this lock, so that there are no gaps and commits follow the order
of seq.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import msgspec
from msgspec import structs
from tortoise.expressions import Q

from hubbub import models
from hubbub.cluster.bus import EntriesAppended
from hubbub.core import clock
from hubbub.core.errors import HubbubError, NotFound
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.eventlog import entries as wire
from hubbub.schemas.events import EntryEvent, MessageUpdated

log = logging.getLogger(__name__)

LogEnd = event_log.LogEnd

MAX_ENTRIES_PER_READ = 500
MAX_SYNC_RESPONSE_BYTES = 1 << 20


class LockedHead:
    """The end of a locked room's log, advanced by `append`."""

    __slots__ = ("archived", "room_id", "seq", "version")

    def __init__(self, room_id: UUID, stored: event_log.LogHead) -> None:
        self.room_id = room_id
        self.seq = stored.last_seq  # of the last entry
        self.version = stored.version  # `member_version` of the room
        self.archived = stored.archived  # whether the room is archived


class NewEntry(NamedTuple):
    """An entry that is not stored yet."""

    entry: wire.Entry
    actor_id: UUID | None  # who caused it
    message_id: UUID | None  # the message whose content it contains


async def lock(tx: Sql, room_ids: Iterable[UUID]) -> dict[UUID, LockedHead]:
    """Lock the logs of rooms. Raises NotFound if one does not exist."""
    distinct_ids = set(room_ids)
    heads = await event_log.lock_rooms(tx, distinct_ids)
    if len(heads) != len(distinct_ids):
        raise NotFound("Room not found.")
    return {room_id: LockedHead(room_id, head) for room_id, head in heads.items()}


async def append(
    tx: Sql, head: LockedHead, events: Sequence[EntryEvent], actor_id: UUID | None, at: datetime
) -> list[wire.Entry]:
    """Append events to a locked room with the next seqs, and advance `head`. Two statements."""
    stamp = clock.rfc3339(at)
    new_entries = []
    for event in events:
        head.seq += 1
        entry = encode_entry(event, head.room_id, head.seq, stamp, actor_id)
        new_entries.append(NewEntry(entry, actor_id, event.content_id))
    return await store(tx, new_entries, at)


def encode_entry(event: EntryEvent, room_id: UUID, seq: int, at: str, actor_id: UUID | None) -> wire.Entry:
    """Return an event as an entry; `at` is RFC 3339 text."""
    complete = structs.replace(event, room_id=room_id, seq=seq, at=at, actor_id=actor_id)
    return wire.Entry(room_id, seq, event.event_name, encode(complete).decode(), event.subject)


async def store(tx: Sql, new_entries: Sequence[NewEntry], at: datetime) -> list[wire.Entry]:
    """Store entries of locked rooms, ascending in each room. Two statements for any number."""
    entries = [each.entry for each in new_entries]
    if entries:
        await event_log.advance_rooms(tx, {entry.room_id: entry.seq for entry in entries}, at)
        actors = [each.actor_id for each in new_entries]
        await event_log.insert_entries(tx, entries, actors, [each.message_id for each in new_entries], at)
    return entries


def to_signals(entries: Sequence[wire.Entry]) -> list[EntriesAppended]:
    """Return the bus signals of appended entries, one per room."""
    ordered = sorted(entries, key=lambda entry: (entry.room_id, entry.seq))
    return [
        EntriesAppended(room_id, tuple(room_entries))
        for room_id, room_entries in groupby(ordered, key=lambda entry: entry.room_id)
    ]


async def read(room_id: UUID, after_seq: int, limit: int = MAX_ENTRIES_PER_READ) -> list[wire.Entry]:
    """Return the entries after `after_seq`, ascending, as they were published."""
    async with database.guard():
        entries = await event_log.entries_after(database.connection(), room_id, after_seq, limit)
    return [_with_subject(entry) if entry.event.startswith("member:") else entry for entry in entries]


def _with_subject(entry: wire.Entry) -> wire.Entry:
    payload = msgspec.json.decode(entry.payload)
    subject = payload["user"]["id"] if "user" in payload else payload["user_id"]
    return wire.Entry(entry.room_id, entry.seq, entry.event, entry.payload, UUID(subject))


async def redact(room_id: UUID, seq: int, message_id: UUID, emptied: Message) -> None:
    """Remove the body of a deleted message from its entries. The room must be locked."""
    rows = await models.Entry.filter(
        Q(room_id=room_id, seq=seq)
        | Q(message_id=message_id, event=MessageUpdated.event_name, room_id=room_id)
    )
    for row in rows:
        payload = {**msgspec.json.decode(row.payload), "message": emptied}
        await models.Entry.filter(id=row.id).update(payload=encode(payload).decode())


async def ends(room_ids: Iterable[UUID]) -> dict[UUID, event_log.LogEnd]:
    """Return the ends of the logs of rooms. One query."""
    async with database.guard():
        return await event_log.log_ends(database.connection(), room_ids)


async def changed_ends(known: Mapping[UUID, event_log.LogEnd]) -> dict[UUID, event_log.LogEnd]:
    """Return the ends of logs that differ from `known`, in `last_seq` or members. One query."""
    async with database.guard():
        return await event_log.changed(database.connection(), known)


class Span(NamedTuple):
    """The stored part of a log."""

    first_seq: int
    last_seq: int


class _ByteBudget:
    """The bytes that a response may still contain."""

    def __init__(self, remaining_bytes: int) -> None:
        self.remaining_bytes = remaining_bytes  # negative when the response is full

    def fit(self, entries: Iterable[wire.Entry]) -> list[wire.Entry]:
        """Return the leading entries that fit, and reduce the budget by them."""
        fitting = []
        for entry in entries:
            # Characters of JSON that is not ASCII take up to 4 bytes; the sum stays below the limit.
            self.remaining_bytes -= len(entry.payload.encode()) + len(entry.event) + 32
            if self.remaining_bytes < 0:
                break
            fitting.append(entry)
        return fitting


async def catch_up(
    spans: dict[UUID, Span], after_seqs: dict[UUID, int], limit: int
) -> dict[UUID, wire.RoomEntries | wire.RoomGone | wire.RoomReset | wire.RoomError]:
    """Return the entries that a client is missing after its `after_seqs`.

    Rooms without a span are RoomGone. A room whose log can't be read does not fail the others. The response
    ends at 1 MiB; a room whose entries did not fit has `complete: false`.
    """
    budget = _ByteBudget(MAX_SYNC_RESPONSE_BYTES)
    response: dict[UUID, wire.RoomEntries | wire.RoomGone | wire.RoomReset | wire.RoomError] = {}
    for room_id, after_seq in after_seqs.items():
        span = spans.get(room_id)
        if span is None:
            response[room_id] = wire.RoomGone()
        elif after_seq > span.last_seq or after_seq < span.first_seq - 1:
            response[room_id] = wire.RoomReset(first_seq=span.first_seq, last_seq=span.last_seq)
        else:
            response[room_id] = await _room_entries(room_id, span, after_seq, limit, budget)
    return response


async def _room_entries(
    room_id: UUID, span: Span, after_seq: int, limit: int, budget: _ByteBudget
) -> wire.RoomEntries | wire.RoomError:
    entries: list[wire.Entry] = []
    if after_seq < span.last_seq and budget.remaining_bytes > 0:
        try:
            entries = budget.fit(await read(room_id, after_seq, limit))
        except HubbubError as error:
            return wire.RoomError(error={"code": error.code, "message": error.message})
    end_seq = entries[-1].seq if entries else after_seq
    return wire.RoomEntries(
        entries=[
            wire.SyncEntry(event=entry.event, payload=msgspec.Raw(entry.payload.encode()))
            for entry in entries
        ],
        first_seq=span.first_seq,
        last_seq=max(span.last_seq, end_seq),
        complete=end_seq >= span.last_seq,
    )
