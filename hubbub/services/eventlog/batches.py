"""Decides which messages of a batch may be stored, under the locks of their rooms, and stores them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.core.errors import HubbubError, NotFound, NotMember
from hubbub.db.sql import Sql
from hubbub.queries.chat import search
from hubbub.queries.eventlog import event_log
from hubbub.queries.uploads import references
from hubbub.services.eventlog.pending_message import PendingMessage, Stored
from hubbub.services.jobs import queue


class _LockedState(NamedTuple):
    """The rows that decide on a batch, read under the locks of its rooms."""

    heads: Mapping[UUID, event_log.LogHead]  # of the rooms that exist
    stored: Mapping[tuple[UUID, UUID], UUID]  # message ids by key, of messages stored before
    members: Mapping[tuple[UUID, UUID], event_log.Membership]  # by room and user, of changed rooms
    uploaders: Mapping[UUID, UUID]  # by upload, of the attachments, which are locked
    accepted: dict[tuple[UUID, UUID], PendingMessage]  # by key, in the order of the batch

    def is_stored(self, pending: PendingMessage) -> bool:
        """Return whether a message with this `client_id` was stored before."""
        return pending.key in self.stored

    def is_accepted(self, pending: PendingMessage) -> bool:
        """Return whether an earlier message of the batch has this `client_id`."""
        return pending.key in self.accepted

    def has_no_room(self, pending: PendingMessage) -> bool:
        """Return whether the room was deleted or archived."""
        head = self.heads.get(pending.membership.room_id)
        return head is None or head.archived

    def was_removed(self, pending: PendingMessage) -> bool:
        """Return whether the sender's membership ended after it was read. The room must exist."""
        room_id = pending.membership.room_id
        return _is_outdated(pending, self.heads) and (room_id, pending.sender.id) not in self.members

    def missing_attachment(self, pending: PendingMessage) -> int | None:
        """Return the position of an attachment that was deleted meanwhile; None if all are there."""
        for position, upload_id in enumerate(pending.attachment_ids()):
            if self.uploaders.get(upload_id) != pending.sender.id:
                return position
        return None


async def partition(
    tx: Sql,
    batch: Sequence[PendingMessage],
    heads: Mapping[UUID, event_log.LogHead],
    results: list[tuple[PendingMessage, Stored | HubbubError]],
) -> list[PendingMessage]:
    """Return the messages to store, and add the results of all others.

    `heads` are those of the locked rooms. A returned message has the current version of its membership.
    """
    state = await _read_state(tx, batch, heads)
    for pending in batch:
        key = pending.key
        if state.is_stored(pending):
            results.append((pending, Stored(0, state.stored[key])))
        elif state.is_accepted(pending):
            results.append((pending, Stored(0, state.accepted[key].id)))
        elif state.has_no_room(pending):
            results.append((pending, NotFound("Room not found.")))
        elif state.was_removed(pending):
            results.append((pending, NotMember()))
        elif (position := state.missing_attachment(pending)) is not None:
            results.append((pending, upload_not_found(position)))
        else:
            pending.membership.version = heads[pending.membership.room_id].version
            state.accepted[key] = pending
    return list(state.accepted.values())


def upload_not_found(*positions: int) -> NotFound:
    """Return the error for attachments that are no uploads of the sender."""
    fields = tuple((f"attachments[{position}]", "Upload not found.") for position in positions)
    return NotFound("Upload not found.", fields=fields)


async def _read_state(
    tx: Sql, batch: Sequence[PendingMessage], heads: Mapping[UUID, event_log.LogHead]
) -> _LockedState:
    stored = await event_log.stored_messages(tx, [pending.key for pending in batch])
    outdated = [pending for pending in batch if _is_outdated(pending, heads)]
    members = await _current_memberships(tx, outdated) if outdated else {}
    attached = {each for pending in batch for each in pending.attachment_ids()}
    uploaders = await references.lock(tx, attached) if attached else {}
    return _LockedState(heads, stored, members, uploaders, {})


def _is_outdated(pending: PendingMessage, heads: Mapping[UUID, event_log.LogHead]) -> bool:
    """Return whether memberships of the room changed after the sender's was read."""
    head = heads.get(pending.membership.room_id)
    return head is not None and head.version != pending.membership.version


async def _current_memberships(
    tx: Sql, outdated: Sequence[PendingMessage]
) -> dict[tuple[UUID, UUID], event_log.Membership]:
    rooms = {pending.membership.room_id for pending in outdated}
    return await event_log.memberships(tx, rooms, {pending.sender.id for pending in outdated})


async def insert(
    tx: Sql, accepted: Sequence[PendingMessage], heads: Mapping[UUID, event_log.LogHead], at: datetime
) -> list[tuple[PendingMessage, int]]:
    """Store accepted messages, with all that belongs to them. Returns them with their seqs."""
    created_at = clock.rfc3339(at)
    stored: list[tuple[PendingMessage, int]] = []
    seqs: dict[UUID, int] = {}
    for pending in accepted:
        pending.encode_json(created_at)
        room_id = pending.membership.room_id
        seqs[room_id] = seqs.get(room_id, heads[room_id].last_seq) + 1
        stored.append((pending, seqs[room_id]))
    await event_log.advance_rooms(tx, seqs, at)
    await event_log.insert_messages(tx, [pending.to_row(seq, at) for pending, seq in stored])
    await event_log.advance_read_marks(
        tx, {(pending.membership.room_id, pending.sender.id): seq for pending, seq in stored}
    )
    await search.add(tx, [(pending.id, pending.membership.room_id, pending.body) for pending in accepted])
    await _insert_references(tx, stored)
    return stored


async def _insert_references(tx: Sql, stored: Sequence[tuple[PendingMessage, int]]) -> None:
    """Store the mentions, attachments and jobs of messages. No statement if there are none."""
    if mentions := [
        (pending.id, pending.membership.room_id, seq, user)
        for pending, seq in stored
        for user in pending.mentioned()
    ]:
        await event_log.insert_mentions(tx, mentions)
    if attachments := [
        (pending.id, pending.membership.room_id, upload_id, position)
        for pending, _ in stored
        for position, upload_id in enumerate(pending.attachment_ids())
    ]:
        await event_log.insert_attachments(tx, attachments)
        await references.keep(tx, {upload_id for _, _, upload_id, _ in attachments})
    await queue.enqueue_all(tx, [job for pending, _ in stored for job in pending.jobs])
