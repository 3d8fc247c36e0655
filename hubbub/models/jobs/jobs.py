"""Jobs: durable background work."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from hubbub.core import ids


class _StateIndex(Index):
    """Jobs in one state, by a time: few of all that are kept."""

    def __init__(self, state: str, *names: str) -> None:
        super().__init__(fields=names, name=f"idx_jobs_{state}")
        self.extra = f" WHERE state = '{state}'"


class Job(Model):
    """Something to be done at least once"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    queue = fields.CharField(max_length=32)
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()  # JSON
    state = fields.CharField(max_length=8)  # ready, running, done, dead
    attempts = fields.IntField(default=0)
    run_at = fields.DatetimeField()  # the earliest time
    lease = fields.UUIDField(null=True)  # of the worker that runs it
    leased_until = fields.DatetimeField(null=True)
    unique_key = fields.CharField(max_length=120, null=True, unique=True)  # of a job that has not ended
    last_error = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "jobs"
        indexes = (
            _StateIndex("ready", "run_at"),
            _StateIndex("running", "leased_until"),
            _StateIndex("done", "ended_at"),
            _StateIndex("dead", "ended_at"),
        )
