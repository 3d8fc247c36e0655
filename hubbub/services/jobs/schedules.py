"""The schedules: one table with the name and the job of each, and when they run."""

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hubbub import models
from hubbub.config.schedules import DEFAULT_CRON, OFF
from hubbub.core import cron
from hubbub.queries.jobs.schedules import Choice
from hubbub.schemas import jobs

if TYPE_CHECKING:
    from hubbub.config import Settings


class Schedule(NamedTuple):
    """One schedule. Its setting is `HUBBUB_SCHEDULE_<name>`, its default is in `config/schedules.py`."""

    name: str
    payload: type[jobs.ScheduledJob]  # of the job that each run enqueues


SCHEDULES = (
    Schedule("SESSIONS", jobs.RemoveEndedSessions),
    Schedule("TOKENS", jobs.RemoveUsedTokens),
    Schedule("QUEUE_WATCH", jobs.WatchQueues),
    Schedule("UPLOADS", jobs.SweepUploads),
    Schedule("RETENTION", jobs.RemoveOldRows),
    Schedule("DIGEST", jobs.SendDigests),
    Schedule("DATABASE", jobs.MaintainDatabase),
    Schedule("HEARTBEAT", jobs.LogHeartbeat),
)


class Plan(NamedTuple):
    """When a schedule runs."""

    cron: str | None  # None: it is off
    time_zone: str

    def __str__(self) -> str:
        """Return the plan as it is stored, to notice a change."""
        return OFF if self.cron is None else f"{self.cron} {self.time_zone}"

    def next_run(self, after: datetime) -> datetime | None:
        """Return the first run after `after`; None if there is none."""
        return cron.next_run(self.cron, after, self.time_zone) if self.cron is not None else None


def named(name: str) -> Schedule | None:
    """Return the schedule with a name, written as in the table."""
    return next((schedule for schedule in SCHEDULES if schedule.name == name), None)


def choice_of(row: models.Schedule | None) -> Choice:
    """Return what an admin chose for a schedule, by its row in the database, if there is one."""
    return Choice(row.enabled, row.cron) if row is not None else Choice()


def plan_of(schedule: Schedule, settings: "Settings", choice: Choice) -> Plan:
    """Return when a schedule runs.

    A schedule that is off by its setting, and on by choice, has the expression of `config/schedules.py`.
    """
    given = str(getattr(settings, f"schedule_{schedule.name.lower()}"))
    enabled = given != OFF if choice.enabled is None else choice.enabled
    expression = choice.cron or (DEFAULT_CRON[schedule.name] if given == OFF else given)
    return Plan(expression if enabled else None, settings.schedule_time_zone)
