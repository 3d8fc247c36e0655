"""Inboxes: the log of each user's notifications."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.notifications.announcements import Announcement
    from hubbub.models.users.users import User


class Inbox(Model):
    """The end of the log of a user's notifications. Its row lock orders all changes of the log"""

    user: fields.OneToOneRelation["User"] = fields.OneToOneField(
        "models.User", related_name="inbox", primary_key=True
    )
    last_seq = fields.BigIntField(default=0)
    unread = fields.IntField(default=0)  # rows with a seq and without `read_at`
    announcement_number = fields.BigIntField(default=0)  # announcements up to it were considered
    digest_window = fields.CharField(max_length=16, null=True)  # the last one whose digest was enqueued
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "inboxes"


class _UnreadIndex(Index):
    """The unread notifications of a user, of which there are few."""

    def __init__(self) -> None:
        super().__init__(fields=("user_id", "seq"), name="idx_notifications_unread")
        self.extra = " WHERE read_at IS NULL"


class _ReadIndex(Index):
    """The read notifications by time, for their removal."""

    def __init__(self) -> None:
        super().__init__(fields=("read_at",), name="idx_notifications_read")
        self.extra = " WHERE read_at IS NOT NULL"


class _OutsideIndex(Index):
    """The notifications that are in no inbox, by time, for their removal."""

    def __init__(self) -> None:
        super().__init__(fields=("created_at",), name="idx_notifications_outside")
        self.extra = " WHERE seq IS NULL"


class Notification(Model):
    """A notification of a user. Without a seq it is not in the inbox, and only carries its decisions"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="notifications"
    )
    seq = fields.BigIntField(null=True)
    kind = fields.CharField(max_length=40)
    source = fields.CharField(max_length=80)  # what it follows from: at most one per user
    actor: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="caused_notifications", null=True, on_delete=fields.SET_NULL
    )
    room_id = fields.UUIDField(null=True)
    message_id = fields.UUIDField(null=True)
    announcement: fields.ForeignKeyNullableRelation["Announcement"] = fields.ForeignKeyField(
        "models.Announcement", related_name="notifications", null=True, on_delete=fields.CASCADE
    )
    content = fields.TextField(default="{}")  # JSON: what no other row holds
    read_at = fields.DatetimeField(null=True)
    created_at = fields.DatetimeField()
    if TYPE_CHECKING:
        user_id: UUID
        actor_id: UUID | None
        announcement_id: UUID | None

    class Meta:
        table = "notifications"
        unique_together = (("user", "seq"), ("user", "source"))
        indexes = (_UnreadIndex(), _ReadIndex(), _OutsideIndex(), ("user", "room_id"), ("message_id",))
