"""The audit log: actions relevant to security. Rows are added and never changed."""

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids


class AuditRecord(Model):
    """An action with its actor, target and origin, and its outcome"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    at = fields.DatetimeField()
    action = fields.CharField(max_length=40)
    outcome = fields.CharField(max_length=8)  # ok, failed
    reason = fields.CharField(max_length=40, null=True)  # of a failure
    # Plain ids, because a record outlives its actor and target.
    actor_id = fields.UUIDField(null=True)
    actor_role = fields.CharField(max_length=16, null=True)  # at that time
    session_id = fields.UUIDField(null=True)
    target_kind = fields.CharField(max_length=20, null=True)
    target_id = fields.CharField(max_length=64, null=True)
    ip = fields.CharField(max_length=45, default="")
    user_agent = fields.CharField(max_length=300, default="")
    request_id = fields.CharField(max_length=128, default="")
    facts = fields.TextField()  # JSON

    class Meta:
        table = "audit_log"
        indexes = (("at", "id"), ("actor_id", "at"), ("target_id", "at"), ("action", "at"))
