"""Sessions: one sign-in on one device."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Session(Model):
    """One sign-in on one device"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="sessions")
    device_name = fields.CharField(max_length=100, null=True)
    user_agent = fields.CharField(max_length=300, default="")
    ip = fields.CharField(max_length=45, default="")
    refresh_digest = fields.CharField(max_length=64)  # SHA-256 of the id of the refresh token in force
    created_at = fields.DatetimeField(auto_now_add=True)
    last_seen_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)  # when the user last said the password again
    revoked_at = fields.DatetimeField(null=True)
    revoke_reason = fields.CharField(max_length=40, null=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "sessions"
        indexes = (("user",),)
