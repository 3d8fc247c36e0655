"""One-time tokens sent by e-mail."""

from typing import TYPE_CHECKING

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.models.users.users import User


class OneTimeToken(Model):
    """A token in an e-mail, which permits one action once"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    user: fields.ForeignKeyRelation["User"] = fields.ForeignKeyField("models.User", related_name="tokens")
    purpose = fields.CharField(max_length=20)  # verify_email, reset_password, change_email, undo_…
    digest = fields.CharField(max_length=64, unique=True)  # SHA-256
    email = fields.CharField(max_length=254)  # the recipient; invalid when the account has another one
    expires_at = fields.DatetimeField()
    payload = fields.TextField(null=True)  # JSON: the state that an undo restores, or what is confirmed
    if TYPE_CHECKING:
        user_id: UUID

    class Meta:
        table = "one_time_tokens"
        indexes = (("user", "purpose"), ("expires_at",), ("email",))
