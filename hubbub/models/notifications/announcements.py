"""Announcements of the operator."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Announcement(Model):
    """A text for all accounts that exist when it is stored"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    number = fields.BigIntField(unique=True)  # 1, 2, 3, … in the order of the commits
    title = fields.CharField(max_length=120)
    body = fields.CharField(max_length=4000)
    url = fields.CharField(max_length=500, null=True)
    author: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="announcements", null=True, on_delete=fields.SET_NULL
    )
    created_at = fields.DatetimeField()
    if TYPE_CHECKING:
        author_id: UUID | None

    class Meta:
        table = "announcements"
