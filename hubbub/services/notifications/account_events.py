"""Notifications about the account of a user: invitations, new logins, a changed password."""

import asyncio
from typing import TYPE_CHECKING

from hubbub import models
from hubbub.core import user_agents
from hubbub.db import database
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import Notify
from hubbub.schemas.notifications.delivery import Reason
from hubbub.schemas.users.notification_kinds import NotificationKind
from hubbub.services.notifications import appending
from hubbub.services.notifications.appending import NewNotification

if TYPE_CHECKING:
    from hubbub.services.context import Container

MAX_DEVICE_CHARS = 100


async def notify_job(container: "Container", job: Notify) -> None:
    """Create the notification. Safe to repeat."""
    content: dict[str, object] = dict(job.content)
    if "user_agent" in content:
        user_agent = str(content.pop("user_agent"))
        if not content.get("device_name"):
            device = await asyncio.to_thread(user_agents.describe, user_agent)
            content["device_name"] = device[:MAX_DEVICE_CHARS]
    new = NewNotification(
        job.user_id,
        NotificationKind(job.kind),
        job.source,
        blocked=await _blocked(job),
        actor_id=job.actor_id,
        room_id=job.room_id,
        content=encode(content).decode(),
    )
    async with database.transaction() as tx:
        appended = await appending.append(tx, [new])
    await appending.publish(container, appended)


async def _blocked(job: Notify) -> Reason | None:
    """Return CANCELLED for an invitation to a room that the user has left meanwhile."""
    if job.kind != NotificationKind.ROOM_INVITED:
        return None
    async with database.guard():
        is_member = await models.Membership.exists(room_id=job.room_id, user_id=job.user_id)
    return None if is_member else Reason.CANCELLED
