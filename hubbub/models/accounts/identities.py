"""Identities at OAuth providers, and OAuth logins between redirect and exchange."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class Identity(Model):
    """An identity at an OAuth provider, with which a user logs in to an account"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="identities")
    provider = fields.CharField(max_length=32)  # its name when the identity was linked
    issuer = fields.CharField(max_length=255)  # identifies the provider, whatever its name
    subject = fields.CharField(max_length=255)  # never reused by the issuer
    email = fields.CharField(max_length=254, null=True)  # reported by the provider when it was linked
    created_at = fields.DatetimeField(auto_now_add=True)
    last_used_at = fields.DatetimeField(auto_now_add=True)
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "identities"
        unique_together = (("issuer", "subject"),)
        indexes = (("user",),)


class OAuthHandoff(Model):
    """A completed OAuth login: its state is used, and its code can be exchanged once"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    state_digest = fields.CharField(max_length=64, unique=True)  # SHA-256
    user: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="handovers", null=True
    )
    code_digest = fields.CharField(max_length=64, null=True, unique=True)  # SHA-256
    code_until = fields.DatetimeField(null=True)
    challenge = fields.CharField(max_length=43, null=True)  # S256 of the page's secret (RFC 7636)
    expires_at = fields.DatetimeField()  # of the state
    if TYPE_CHECKING:
        user_id: UUID | None

    class Meta:
        table = "handovers"
        indexes = (("user",), ("expires_at",))
