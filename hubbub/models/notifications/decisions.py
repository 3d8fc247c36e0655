"""Decisions about the delivery of notifications."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.notifications.inboxes import Notification


class NotificationDecision(Model):
    """Whether a notification was delivered by a channel, or why it was not"""

    id = fields.BigIntField(primary_key=True)
    notification: fields.ForeignKeyRelation["Notification"] = fields.ForeignKeyField(
        "models.Notification", related_name="decisions"
    )
    channel = fields.CharField(max_length=16)  # in_app, email
    reason = fields.CharField(max_length=16, null=True)  # of the closed list; null while it is being sent
    at = fields.DatetimeField()
    if TYPE_CHECKING:
        notification_id: UUID

    class Meta:
        table = "notification_decisions"
        unique_together = (("notification", "channel"),)
