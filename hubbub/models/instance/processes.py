"""Running processes of a deployment."""

from tortoise import fields
from tortoise.models import Model


class Process(Model):
    """A `serve`, `worker` or `scheduler` that runs, or ran a moment ago"""

    run = fields.UUIDField(primary_key=True)  # generated at each start: two processes may claim one id
    id = fields.CharField(max_length=64)  # HUBBUB_INSTANCE_ID
    kind = fields.CharField(max_length=16)
    key_fingerprint = fields.CharField(max_length=16)  # of the current secret key, as tokens name it
    version = fields.CharField(max_length=32)
    started_at = fields.DatetimeField()
    seen_at = fields.DatetimeField()
    inline_workers = fields.BooleanField(default=False)  # a `serve` that also runs jobs
    uses_redis = fields.BooleanField(default=False)
    untrusted_proxy = fields.CharField(max_length=45, null=True)  # an IP address that sends X-Forwarded-For

    class Meta:
        table = "processes"
