"""Settings of the schedules, and of the warnings about jobs that wait."""

from typing import Annotated

from pydantic import BaseModel, Field, PlainValidator

from hubbub.config.fields import setting
from hubbub.core import cron
from hubbub.core.text import time_zones

OFF = "off"
# By the name of the schedule: when it runs once an admin switches it on.
DEFAULT_CRON = {
    "SESSIONS": "0 * * * *",
    "TOKENS": "0 0 * * *",
    "QUEUE_WATCH": "*/10 * * * *",
    "UPLOADS": "30 * * * *",
    "RETENTION": "15 * * * *",
    "DIGEST": "0 * * * *",
    "DATABASE": "0 2 * * 0",
    "HEARTBEAT": "*/5 * * * *",
}


def cron_or_off(value: object) -> str:
    """Validate a cron expression or `off`."""
    text = str(value).strip()
    return OFF if text.lower() == OFF else cron.check(text)


def time_zone(value: object) -> str:
    """Validate the name of a time zone."""
    if (text := str(value).strip()) not in time_zones.names():
        raise ValueError("must be a time zone, like UTC or Europe/Berlin")
    return text


Cron = Annotated[str, PlainValidator(cron_or_off)]
TimeZone = Annotated[str, PlainValidator(time_zone)]


class ScheduleSettings(BaseModel):
    """When the scheduler enqueues its jobs. An admin's choice, stored in the database, has precedence."""

    schedule_time_zone: TimeZone = setting(
        "UTC",
        "Time zone of the schedules. An admin's choice for a schedule has precedence over its setting.",
        section="Schedules: a cron expression, or off",
    )
    schedule_sessions: Cron = setting(
        DEFAULT_CRON["SESSIONS"], "Removal of ended sessions and pending logins."
    )
    schedule_tokens: Cron = setting(
        DEFAULT_CRON["TOKENS"], "Removal of used tokens, idempotency keys and nonces."
    )
    schedule_queue_watch: Cron = setting(
        DEFAULT_CRON["QUEUE_WATCH"], "Warning about jobs that wait beyond `HUBBUB_QUEUE_WARN_S` or `_JOBS`."
    )
    schedule_uploads: Cron = setting(
        DEFAULT_CRON["UPLOADS"],
        "Removal of aborted and unused uploads, and of bytes without an upload.",
    )
    schedule_retention: Cron = setting(
        DEFAULT_CRON["RETENTION"],
        "Removal of old notifications, audit records, jobs and deleted items of portfolios.",
    )
    schedule_digest: Cron = setting(DEFAULT_CRON["DIGEST"], "Digests of the users whose digest hour it is.")
    schedule_database: Cron = setting(OFF, "ANALYZE and VACUUM of the database.", sample="0 2 * * 0")
    schedule_heartbeat: Cron = setting(OFF, "One line in the log: an example to copy.", sample="*/5 * * * *")
    queue_warn_s: Annotated[float, Field(gt=0)] = setting(
        60, "Age in seconds of a due job beyond which `QUEUE_WATCH` warns."
    )
    queue_warn_jobs: Annotated[int, Field(ge=1)] = setting(
        1000, "Number of due jobs of a queue beyond which `QUEUE_WATCH` warns."
    )
