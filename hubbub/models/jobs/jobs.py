"""Jobs: durable background work."""

from tortoise import fields
from tortoise.indexes import Index
from tortoise.models import Model

from hubbub.core import ids


class _StateIndex(Index):
    """Jobs in one state: few of all that are kept."""

    def __init__(self, state: str, *names: str) -> None:
        super().__init__(fields=names, name=f"idx_jobs_{state}")
        self.extra = f" WHERE state = '{state}'"


class Job(Model):
    """Background work that is done at least once"""

    # A statement that stores a job sets `id, queue, kind, payload, run_at, created_at`: the other columns
    # have defaults in the database. On PostgreSQL both times are `now()`, on SQLite that of this machine.
    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    queue = fields.CharField(max_length=32)  # of its kind
    kind = fields.CharField(max_length=64)
    payload = fields.TextField()  # JSON
    state = fields.CharField(max_length=8, default="ready", db_default="ready")  # or running, done, dead
    attempts = fields.IntField(default=0, db_default=0)
    run_at = fields.DatetimeField()  # the earliest time
    lease = fields.UUIDField(null=True)  # of the worker that runs it
    leased_until = fields.DatetimeField(null=True)
    unique_key = fields.CharField(max_length=120, null=True, unique=True)  # of a job that has not ended
    last_error = fields.CharField(max_length=500, null=True)
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)
    version = fields.SmallIntField(default=1, db_default=1)  # of the payload
    priority = fields.SmallIntField(default=1, db_default=1)  # 0 to 2; a lower number runs first

    class Meta:
        table = "jobs"
        indexes = (
            _StateIndex("ready", "kind", "priority", "run_at"),
            _StateIndex("running", "leased_until"),
            _StateIndex("done", "ended_at", "queue"),
            _StateIndex("dead", "ended_at", "queue"),
        )


class JobQueue(Model):
    """A queue that is paused, or was paused before"""

    name = fields.CharField(max_length=32, primary_key=True)
    paused = fields.BooleanField()

    class Meta:
        table = "job_queues"
