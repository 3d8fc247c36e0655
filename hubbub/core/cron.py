"""Cron expressions of five fields, in a time zone. Changes to daylight saving time count as in Debian's cron.

A time that a change skips runs right after it. A time that occurs twice runs once, unless its hours are `*`.
"""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

MAX_CHARS = 100
FIELDS = 5


def check(expression: str) -> str:
    """Return an expression with single spaces. Raises ValueError if it is wrong or never due."""
    text = " ".join(expression.split())
    if len(text) > MAX_CHARS or len(text.split(" ")) != FIELDS:
        raise ValueError("must be a cron expression of five fields, like 0 2 * * 0")
    try:
        due = next_run(text, datetime(2026, 1, 1, tzinfo=UTC), "UTC")
    except CronSimError as error:
        raise ValueError(f"must be a cron expression, like 0 2 * * 0: {str(error).lower()}") from None
    if due is None:
        raise ValueError("must be a cron expression that is due at some time")
    return text


def next_run(expression: str, after: datetime, zone: str) -> datetime | None:
    """Return the first time after `after` at which an expression is due, in UTC; None within 50 years."""
    local = after.astimezone(_zone(zone))
    found = next(CronSim(expression, local), None)
    return found.astimezone(UTC) if found is not None else None


@lru_cache(maxsize=32)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
