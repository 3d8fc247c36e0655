"""The job that creates the notifications of a message. An ordinary message stores none."""

from collections.abc import Collection
from uuid import UUID

from hubbub.core import ids
from hubbub.schemas.jobs import NotifyMessage
from hubbub.services.eventlog.pending_message import PendingMessage
from hubbub.services.jobs.message_keys import notification_key
from hubbub.services.jobs.queue import NewJob


def of(pending: PendingMessage) -> tuple[NewJob, ...]:
    """Return the job of a message that is direct, replies or mentions another user."""
    if pending.membership.kind != "direct" and pending.reply_to is None and not pending.mentioned():
        return ()
    room_id, payload = pending.membership.room_id, _payload(pending.membership.room_id, pending.id)
    return (NewJob(payload, unique_key=notification_key(room_id, pending.id)),)


def of_edit(room_id: UUID, message_id: UUID, new_mentions: Collection[UUID]) -> tuple[NewJob, ...]:
    """Return the job of an edit that mentions further users."""
    if not new_mentions:
        return ()
    key = notification_key(room_id, message_id, ids.uuid7())
    return (NewJob(_payload(room_id, message_id), unique_key=key),)


def _payload(room_id: UUID, message_id: UUID) -> NotifyMessage:
    return NotifyMessage(room_id=room_id, message_id=message_id)
