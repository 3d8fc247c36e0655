"""Answers that are given again to the same request."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class IdempotencyKey(Model):
    """A request that is being acted upon, or its answer"""

    id = fields.CharField(primary_key=True, max_length=64)  # SHA-256 of the caller and the key
    user: fields.ForeignKeyNullableRelation["User"] = fields.ForeignKeyField(
        "models.User", related_name="idempotency_keys", null=True
    )
    caller = fields.CharField(max_length=32, null=True)  # SHA-256, for counting; unset in rows of before
    asked = fields.TextField()  # sealed: what the request was
    lease = fields.UUIDField()  # of who acts
    held_until = fields.DatetimeField()  # then nobody is taken to act any more
    answer = fields.TextField(null=True)  # sealed
    expires_at = fields.DatetimeField()
    if TYPE_CHECKING:
        user_id: UUID | None

    class Meta:
        table = "idempotency_keys"
        indexes = (("user",), ("expires_at",), ("caller", "expires_at"))
