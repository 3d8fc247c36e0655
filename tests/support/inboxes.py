"""Notifications in tests: appended as a job appends them, without the job."""

from uuid import UUID, uuid4

from hubbub import models
from hubbub.db import database
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.context import Container
from hubbub.services.notifications import appending
from hubbub.services.notifications.appending import Appended, NewNotification


async def notify(container: Container, *user_ids: str, source: str = "", body: str = "x") -> list[Appended]:
    """Append one notification to the inbox of each user, and publish it."""
    content = f'{{"device_name":"{body}","ip":"192.0.2.1"}}'
    new = [
        NewNotification(
            UUID(user_id), NotificationKind.NEW_LOGIN, source or f"test:{uuid4()}", content=content
        )
        for user_id in user_ids
    ]
    async with database.transaction() as tx:
        appended = await appending.append(tx, new)
    await appending.publish(container, appended)
    return appended


async def counted_unread(user_id: str) -> tuple[int, int]:
    """Return the unread count of an inbox, and the number of its unread rows."""
    inbox = await models.Inbox.get(user_id=user_id)
    unread = models.Notification.filter(user_id=user_id, seq__isnull=False, read_at__isnull=True)
    return inbox.unread, await unread.count()
