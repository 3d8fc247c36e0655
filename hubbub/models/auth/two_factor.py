"""The second factor of an account, and its recovery codes."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class TwoFactor(Model):
    """The authenticator app of an account"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.OneToOneRelation["User"] = fields.OneToOneField("models.User", related_name="two_factor")
    secret = fields.CharField(max_length=500)  # sealed
    enabled_at = fields.DatetimeField(null=True)  # null until a code has verified it
    last_step = fields.BigIntField(default=0)  # time step of the last accepted code
    failures = fields.IntField(default=0)  # wrong codes since then
    wait_until = fields.DatetimeField(null=True)  # TOTP codes are refused before
    created_at = fields.DatetimeField(auto_now_add=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "two_factors"


class RecoveryCode(Model):
    """A code that is valid once, in place of one of the app"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="recovery_codes"
    )
    digest = fields.CharField(max_length=64)  # SHA-256 of the code and its owner

    class Meta:
        table = "recovery_codes"
        unique_together = (("user", "digest"),)
