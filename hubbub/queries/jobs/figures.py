"""SQL of the figures of the queues. One query for each state reads the rows of one index only."""

from collections import defaultdict
from typing import Any

from hubbub.db.sql import Sql, as_optional_datetime, database_delay, database_now, delay_value

MINUTE_S, HOUR_S = 60.0, 3600.0

_READY = (
    "SELECT queue, sum(CASE WHEN run_at <= {now} THEN 1 ELSE 0 END) AS waiting, "
    "sum(CASE WHEN run_at > {now} THEN 1 ELSE 0 END) AS delayed, min(run_at) AS oldest "
    "FROM jobs WHERE state = 'ready' GROUP BY queue"
)
_RUNNING = "SELECT queue, count(*) AS active FROM jobs WHERE state = 'running' GROUP BY queue"
_ENDED = (
    "SELECT queue, count(*) AS {name}, "
    "sum(CASE WHEN ended_at > {minute} THEN 1 ELSE 0 END) AS {name}_minute, "
    "sum(CASE WHEN ended_at > {hour} THEN 1 ELSE 0 END) AS {name}_hour "
    "FROM jobs WHERE state = '{state}' GROUP BY queue"
)


async def read(sql: Sql) -> dict[str, dict[str, float]]:
    """Return the figures of the queues that have jobs, by name of the queue and of the figure.

    `oldest_due_s` is the age of the oldest due job in seconds; `…_minute` and `…_hour` count the jobs that
    ended in that time.
    """
    found: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in await sql.fetch(_READY.format(now=database_delay(sql, "$1")), delay_value(sql, 0.0)):
        figures = dict(row)
        oldest = as_optional_datetime(figures.pop("oldest"))
        if oldest is not None and figures["waiting"]:
            figures["oldest_due_s"] = max(0.0, (await database_now(sql) - oldest).total_seconds())
        _add(found, figures)
    for row in await sql.fetch(_RUNNING):
        _add(found, dict(row))
    since = {"minute": database_delay(sql, "$1"), "hour": database_delay(sql, "$2")}
    values = delay_value(sql, -MINUTE_S), delay_value(sql, -HOUR_S)
    for name, state in (("completed", "done"), ("failed", "dead")):
        for row in await sql.fetch(_ENDED.format(name=name, state=state, **since), *values):
            _add(found, dict(row))
    return found


def _add(found: dict[str, dict[str, float]], figures: dict[str, Any]) -> None:
    found[str(figures.pop("queue"))].update(figures)


async def paused(sql: Sql) -> set[str]:
    """Return the names of the paused queues."""
    return {str(row["name"]) for row in await sql.fetch("SELECT name FROM job_queues WHERE paused")}
