"""Stored responses for a repeated `Idempotency-Key`."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class IdempotencyKey(Model):
    """A request that is being processed, or its response"""

    id = fields.CharField(primary_key=True, max_length=64)  # SHA-256 of the caller and the key
    user: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="idempotency_keys", null=True
    )
    caller = fields.CharField(max_length=32, null=True)  # SHA-256, for counting; null in older rows
    asked = fields.TextField()  # sealed: the request
    lease = fields.UUIDField()  # of the process that runs the request
    held_until = fields.DatetimeField()  # afterwards the process counts as dead
    answer = fields.TextField(null=True)  # sealed
    expires_at = fields.DatetimeField()
    if TYPE_CHECKING:
        user_id: UUID | None

    class Meta:
        table = "idempotency_keys"
        indexes = (("user",), ("expires_at",), ("caller", "expires_at"))
