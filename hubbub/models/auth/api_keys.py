"""API keys, and the signed requests of the last minutes."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class ApiKey(Model):
    """The credential of a program of a user"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="api_keys")
    name = fields.CharField(max_length=80)
    prefix = fields.CharField(max_length=20, unique=True)  # displayed, and used for the lookup
    digest = fields.CharField(max_length=64)  # SHA-256 of the whole key
    scopes = fields.CharField(max_length=40)  # separated by spaces
    sealed_secret = fields.CharField(max_length=250, null=True)  # for signed requests: core/sealing.py
    created_at = fields.DatetimeField()
    last_used_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField(null=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "api_keys"
        indexes = (("user",),)


class UsedNonce(Model):
    """A signed request that was accepted: the same one is not accepted again"""

    id = fields.CharField(primary_key=True, max_length=64)  # SHA-256 of the key's id and the nonce
    expires_at = fields.DatetimeField()

    class Meta:
        table = "used_nonces"
        indexes = (("expires_at",),)
