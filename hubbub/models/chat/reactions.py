"""Reactions to messages."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from hubbub.models.chat.messages import Message
    from hubbub.models.users.users import User


class Reaction(Model):
    """An emoji of a user for a message"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    message: fields.ForeignKeyRelation["Message"] = fields.ForeignKeyField(
        "models.Message", related_name="reactions"
    )
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="reactions")
    emoji = fields.CharField(max_length=64)
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "reactions"
        unique_together = (("message", "user", "emoji"),)
        indexes = (("user",),)
