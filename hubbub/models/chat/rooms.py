"""Rooms and memberships."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Room(Model):
    """A room: the end of its log and what is shown of it"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    kind = fields.CharField(max_length=8)  # public, private, direct
    name = fields.CharField(max_length=80, null=True)
    name_key = fields.CharField(max_length=240, null=True, unique=True)  # public rooms only
    topic = fields.CharField(max_length=250, default="")
    direct_key = fields.CharField(max_length=80, null=True, unique=True)  # "smaller id:larger id"
    created_by: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="rooms_made", null=True, on_delete=fields.SET_NULL
    )
    created_at = fields.DatetimeField(auto_now_add=True)
    last_seq = fields.BigIntField(default=0)
    first_seq = fields.BigIntField(default=1)  # the oldest stored entry
    member_count = fields.IntField(default=0)
    member_version = fields.BigIntField(default=0)  # number of ended memberships
    last_entry_at = fields.DatetimeField(auto_now_add=True)
    archived_at = fields.DatetimeField(null=True)
    if TYPE_CHECKING:
        created_by_id: UUID | None

    class Meta:
        table = "rooms"
        indexes = (("kind", "name_key"),)


class Membership(Model):
    """The membership of a user in a room, with its read mark"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    room: fields.ForeignKeyRelation[Room] = fields.ForeignKeyField("models.Room", related_name="memberships")
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="memberships"
    )
    role = fields.CharField(max_length=10)  # owner, moderator, member
    joined_at = fields.DatetimeField(auto_now_add=True)
    joined_seq = fields.BigIntField(default=0, db_default=0)  # of its `member:joined` entry
    last_read_seq = fields.BigIntField(default=0)
    muted = fields.BooleanField(default=False)
    changed_at = fields.DatetimeField(null=True)  # when the member last changed the read mark or muted
    if TYPE_CHECKING:
        room_id: UUID
        user_id: UUID

    class Meta:
        table = "memberships"
        unique_together = (("room", "user"),)
        indexes = (("user",),)
