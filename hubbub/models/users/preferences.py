"""Preferences: one row per kind, with only the values that differ from the defaults."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Preference(Model):
    """The choices of a user of one kind"""

    id = fields.BigIntField(primary_key=True)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="preferences"
    )
    kind = fields.CharField(max_length=16)  # app, notifications, email
    chosen = fields.TextField(default="{}")  # JSON
    updated_at = fields.DatetimeField(auto_now=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "preferences"
        unique_together = (("user", "kind"),)
