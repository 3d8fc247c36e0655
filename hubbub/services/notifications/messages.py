"""Notifications of messages: direct, mentions, replies. A job creates them, in the order of the room's log.

The job of a message first handles the earlier messages of its room whose jobs have not ended. So the
notifications of a room have its order in each inbox, whichever worker runs the jobs and in whichever order.
"""

from typing import TYPE_CHECKING
from uuid import UUID

from hubbub.db import database
from hubbub.queries.notifications import candidates as rows
from hubbub.queries.notifications.candidates import Candidate, MessageRow
from hubbub.schemas.jobs import NotifyMessage
from hubbub.schemas.notifications.delivery import Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.jobs.message_keys import notification_key_prefix
from hubbub.services.notifications import appending
from hubbub.services.notifications.appending import NewNotification

if TYPE_CHECKING:
    from hubbub.services.context import Container


async def notify_job(container: "Container", job: NotifyMessage) -> None:
    """Create the notifications of a message, after those of earlier messages of the room. Safe to repeat."""
    async with database.transaction() as tx:
        messages = await rows.waiting_messages(tx, notification_key_prefix(job.room_id), job.message_id)
        by_id = {each.id: each for each in messages}
        found = await rows.members(tx, messages)
        new = [_new_notification(by_id[each.message_id], each) for each in found]
        appended = await appending.append(tx, new) if new else []
    await appending.publish(container, appended)


def _new_notification(message: MessageRow, candidate: Candidate) -> NewNotification:
    return NewNotification(
        candidate.user_id,
        _kind(message, candidate),
        source_of(message.id),
        blocked=_blocked(message, candidate),
        actor_id=message.sender_id,
        room_id=message.room_id,
        message_id=message.id,
    )


def source_of(message_id: UUID) -> str:
    """Return the source of a message's notifications: at most one per user, also after edits."""
    return f"message:{message_id}"


def _kind(message: MessageRow, candidate: Candidate) -> NotificationKind:
    if message.replied_to == candidate.user_id:
        return NotificationKind.MESSAGE_REPLY
    return NotificationKind.MESSAGE_MENTION if candidate.is_mentioned else NotificationKind.MESSAGE_DIRECT


def _blocked(message: MessageRow, candidate: Candidate) -> Reason | None:
    if message.deleted:
        return Reason.CANCELLED
    if candidate.muted:
        return Reason.MUTED
    return Reason.READ if candidate.last_read_seq >= message.seq else None
