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

from hubbub.cluster.bus import EntriesAppended
from hubbub.core import clock
from hubbub.core.errors import HubbubError, NotFound
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log, log_entries
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.eventlog import entries as wire
from hubbub.schemas.events import EntryEvent
from hubbub.services.eventlog import attachments

log = logging.getLogger(__name__)

LogEnd = event_log.LogEnd

MAX_ENTRIES_PER_READ = 500
ROOM_OVERHEAD_BYTES = 160  # of a room in the response of `sync`, besides its entries


class LockedHead:
    """The end of a locked room's log, advanced by `append`."""

    __slots__ = ("archived", "room_id", "seq", "version")

    def __init__(self, room_id: UUID, stored: event_log.LogHead) -> None:
        self.room_id = room_id
        self.seq = stored.last_seq  # of the last entry
        self.version = stored.version  # `member_version` of the room
        self.archived = stored.archived  # whether the room is archived


class NewEntry(NamedTuple):
    """An entry that is not stored yet. That of a new message is its row in `messages`."""

    entry: wire.Entry
    actor_id: UUID | None  # who caused it
    message_id: UUID | None  # the message whose content it contains
    stored_payload: str  # with the ids of attachments in place of the uploads


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
        stored_payload = attachments.to_stored_payload(event, entry.payload)
        new_entries.append(NewEntry(entry, actor_id, event.content_id, stored_payload))
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
        message_ids = [each.message_id for each in new_entries]
        stored = [structs.replace(each.entry, payload=each.stored_payload) for each in new_entries]
        await event_log.insert_entries(tx, stored, actors, message_ids, [at] * len(entries))
    return entries


def to_signals(entries: Sequence[wire.Entry]) -> list[EntriesAppended]:
    """Return the bus signals of appended entries, one per room."""
    # By the numbers of the ids: comparing two UUIDs takes three times as long.
    ordered = sorted(entries, key=lambda entry: (entry.room_id.int, entry.seq))
    return [
        EntriesAppended(in_room[0].room_id, in_room)
        for _, group in groupby(ordered, key=lambda entry: entry.room_id.int)
        if (in_room := tuple(group))
    ]


async def read(
    signer: UrlSigner, room_id: UUID, after_seq: int, limit: int = MAX_ENTRIES_PER_READ
) -> list[wire.Entry]:
    """Return the entries after `after_seq`, ascending: messages as they are now, others as published.

    The URLs of attachments are signed now.
    """
    async with database.guard():
        stored = await log_entries.after(database.connection(), room_id, after_seq, limit)
        entries = await attachments.fill(signer, stored)
    return [_with_subject(entry) if entry.event.startswith("member:") else entry for entry in entries]


def _with_subject(entry: wire.Entry) -> wire.Entry:
    payload = msgspec.json.decode(entry.payload)
    subject = payload["user"]["id"] if "user" in payload else payload["user_id"]
    return wire.Entry(entry.room_id, entry.seq, entry.event, entry.payload, UUID(subject))


async def redact(tx: Sql, emptied: Message) -> None:
    """Remove the body of a deleted message from the entries of its edits. The room must be locked."""
    for entry in await log_entries.updates_of(tx, emptied.room_id, emptied.id):
        payload = {**msgspec.json.decode(entry.payload), "message": emptied}
        await log_entries.replace_payload(tx, entry, encode(payload).decode())


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


class ResponseLimits(NamedTuple):
    """The most that a response contains."""

    entries: int  # of one room
    total_bytes: int


class Page(NamedTuple):
    """The part of a log that is read."""

    after_seq: int
    limit: int  # entries


class _ByteBudget:
    """The bytes that a response may still contain."""

    def __init__(self, remaining_bytes: int) -> None:
        self.remaining_bytes = remaining_bytes  # negative when the response is full
        self._is_empty = True  # whether the response has no entry yet

    def fit(self, entries: Iterable[wire.Entry]) -> list[wire.Entry]:
        """Return the leading entries that fit, and reduce the budget by them. The first one always fits."""
        fitting = []
        for entry in entries:
            # Characters of JSON that is not ASCII take up to 4 bytes; the sum stays below the limit.
            self.remaining_bytes -= len(entry.payload.encode()) + len(entry.event) + 32
            if self.remaining_bytes < 0 and not self._is_empty:
                break
            self._is_empty = False
            fitting.append(entry)
        return fitting


async def catch_up(
    signer: UrlSigner, spans: dict[UUID, Span], after_seqs: dict[UUID, int], limits: ResponseLimits
) -> dict[UUID, wire.RoomEntries | wire.RoomGone | wire.RoomReset | wire.RoomError]:
    """Return the entries that a client is missing after its `after_seqs`.

    Rooms without a span are RoomGone. A room whose log can't be read does not fail the others. A room whose
    entries did not fit has `complete: false`.
    """
    budget = _ByteBudget(max(1, limits.total_bytes - ROOM_OVERHEAD_BYTES * len(after_seqs)))
    response: dict[UUID, wire.RoomEntries | wire.RoomGone | wire.RoomReset | wire.RoomError] = {}
    for room_id, after_seq in after_seqs.items():
        span = spans.get(room_id)
        if span is None:
            response[room_id] = wire.RoomGone()
        elif after_seq > span.last_seq or after_seq < span.first_seq - 1:
            response[room_id] = wire.RoomReset(first_seq=span.first_seq, last_seq=span.last_seq)
        else:
            response[room_id] = await _room_entries(
                signer, room_id, span, Page(after_seq, limits.entries), budget
            )
    return response


async def _room_entries(
    signer: UrlSigner, room_id: UUID, span: Span, page: Page, budget: _ByteBudget
) -> wire.RoomEntries | wire.RoomError:
    entries: list[wire.Entry] = []
    after_seq, limit = page
    if after_seq < span.last_seq and budget.remaining_bytes > 0:
        try:
            entries = budget.fit(await read(signer, room_id, after_seq, limit))
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
