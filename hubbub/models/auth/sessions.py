"""Sessions: logins on devices."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Session(Model):
    """A login on a device"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="sessions")
    device_name = fields.CharField(max_length=100, null=True)
    user_agent = fields.CharField(max_length=300, default="")
    ip = fields.CharField(max_length=45, default="")
    refresh_digest = fields.CharField(max_length=64)  # SHA-256 of the id of the current refresh token
    created_at = fields.DatetimeField(auto_now_add=True)
    last_seen_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    confirmed_at = fields.DatetimeField(null=True)  # last confirmation by password
    revoked_at = fields.DatetimeField(null=True)
    revoke_reason = fields.CharField(max_length=40, null=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "sessions"
        indexes = (("user",),)
