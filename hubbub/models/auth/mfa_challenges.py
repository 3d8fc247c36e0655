"""MFA challenges: the second steps of logins."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class MfaChallenge(Model):
    """A login with the right password, whose second factor is missing"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="pending_logins"
    )
    digest = fields.CharField(max_length=64, unique=True)  # SHA-256 of the token
    device_name = fields.CharField(max_length=100, null=True)
    attempts = fields.IntField(default=0)
    expires_at = fields.DatetimeField()
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "pending_logins"
        indexes = (("user",), ("expires_at",))
