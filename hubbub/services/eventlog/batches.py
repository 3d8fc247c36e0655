"""Decides which messages of a batch may be stored, under the locks of their rooms."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from hubbub.core.errors import HubbubError, NotFound, NotMember
from hubbub.db.sql import Sql
from hubbub.queries.eventlog import event_log
from hubbub.services.eventlog.pending_message import PendingMessage, Stored


class _LockedState(NamedTuple):
    """The rows that decide on a batch, read under the locks of its rooms."""

    heads: Mapping[UUID, event_log.LogHead]  # of the rooms that exist
    stored: Mapping[tuple[UUID, UUID], UUID]  # message ids by key, of messages stored before
    members: Mapping[tuple[UUID, UUID], event_log.Membership]  # by room and user, of changed rooms
    accepted: dict[tuple[UUID, UUID], PendingMessage]  # by key, in the order of the batch

    def is_stored(self, pending: PendingMessage) -> bool:
        """Whether a message with this `client_id` was stored before."""
        return pending.key in self.stored

    def is_accepted(self, pending: PendingMessage) -> bool:
        """Whether an earlier message of the batch has this `client_id`."""
        return pending.key in self.accepted

    def has_no_room(self, pending: PendingMessage) -> bool:
        """Whether the room was deleted or archived."""
        head = self.heads.get(pending.membership.room_id)
        return head is None or head.archived

    def was_removed(self, pending: PendingMessage) -> bool:
        """Whether the sender's membership ended after it was read. The room must exist."""
        room_id = pending.membership.room_id
        return _is_outdated(pending, self.heads) and (room_id, pending.sender.id) not in self.members


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
        else:
            pending.membership.version = heads[pending.membership.room_id].version
            state.accepted[key] = pending
    return list(state.accepted.values())


async def _read_state(
    tx: Sql, batch: Sequence[PendingMessage], heads: Mapping[UUID, event_log.LogHead]
) -> _LockedState:
    stored = await event_log.stored_messages(tx, [pending.key for pending in batch])
    outdated = [pending for pending in batch if _is_outdated(pending, heads)]
    members = await _current_memberships(tx, outdated) if outdated else {}
    return _LockedState(heads, stored, members, {})


def _is_outdated(pending: PendingMessage, heads: Mapping[UUID, event_log.LogHead]) -> bool:
    """Whether memberships of the room changed after the sender's was read."""
    head = heads.get(pending.membership.room_id)
    return head is not None and head.version != pending.membership.version


async def _current_memberships(
    tx: Sql, outdated: Sequence[PendingMessage]
) -> dict[tuple[UUID, UUID], event_log.Membership]:
    rooms = {pending.membership.room_id for pending in outdated}
    return await event_log.memberships(tx, rooms, {pending.sender.id for pending in outdated})
