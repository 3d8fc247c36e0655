"""Schedules: their state and their runs, and the leases that make one process act."""

from tortoise import fields
from tortoise.models import Model

from hubbub.core import ids


class Lease(Model):
    """The right of one process to a task, for a limited time"""

    name = fields.CharField(max_length=32, primary_key=True)
    run = fields.UUIDField()  # generated at each start of the process that holds it
    instance_id = fields.CharField(max_length=64)  # of that process
    expires_at = fields.DatetimeField()

    class Meta:
        table = "leases"


class Schedule(Model):
    """The choices of an admin for a schedule, and the time up to which its runs were enqueued"""

    name = fields.CharField(max_length=32, primary_key=True)
    enabled = fields.BooleanField(null=True)  # an admin's choice; null: that of the setting
    cron = fields.CharField(max_length=100, null=True)  # likewise
    handled_until = fields.DatetimeField()  # runs before it were enqueued, or are not made up
    plan = fields.CharField(max_length=200)  # expression and zone that `handled_until` refers to, or `off`

    class Meta:
        table = "schedules"


class ScheduleRun(Model):
    """A run of a schedule"""

    id = fields.UUIDField(primary_key=True, default=ids.uuid7)
    schedule = fields.CharField(max_length=32)
    job_id = fields.UUIDField()  # the job is deleted before the run
    at = fields.DatetimeField()
    ms = fields.IntField(null=True)  # duration
    outcome = fields.CharField(max_length=8)  # running, ok, failed
    error = fields.CharField(max_length=500, null=True)

    class Meta:
        table = "schedule_runs"
        indexes = (("schedule", "id"),)
