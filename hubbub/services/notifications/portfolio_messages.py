"""Notifications of messages that visitors of public portfolios send to the owners."""

from typing import TYPE_CHECKING

from hubbub.db import database
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import NotifyPortfolioMessage
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.schemas.users.preferences import EmailPreferences, NotificationPreferences
from hubbub.services.notifications import appending, channels
from hubbub.services.notifications.appending import NewNotification
from hubbub.services.notifications.channels import Choices
from hubbub.services.users import preferences

if TYPE_CHECKING:
    from hubbub.services.context import Container

KIND = NotificationKind.PORTFOLIO_MESSAGE


async def notify_job(container: "Container", job: NotifyPortfolioMessage) -> None:
    """Create the notification, unless the owner has switched the kind off. Safe to repeat.

    The choice is read here and not for the request, whose response does not depend on it.
    """
    choices = Choices(
        await preferences.load(job.user_id, NotificationPreferences),
        await preferences.load(job.user_id, EmailPreferences),
    )
    if channels.is_switched_off(KIND, choices):
        return
    content = {"sender": job.sender, "email": job.email, "body": job.body, "url": job.url}
    new = NewNotification(job.user_id, KIND, f"portfolio:{job.message_id}", content=encode(content).decode())
    async with database.transaction() as tx:
        appended = await appending.append(tx, [new])
    await appending.publish(container, appended)
