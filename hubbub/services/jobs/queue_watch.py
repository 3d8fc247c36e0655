"""The figures of the queues, and the warning about jobs that wait too long."""

import logging
from typing import TYPE_CHECKING, NamedTuple

from hubbub.core import metrics
from hubbub.db import database
from hubbub.queries.jobs import figures as rows
from hubbub.schemas.jobs import Queue

if TYPE_CHECKING:
    from hubbub.config import Settings

log = logging.getLogger(__name__)
metrics.declare("queue_warnings", Queue)


class QueueFigures(NamedTuple):
    """The jobs of one queue."""

    queue: Queue
    paused: bool
    waiting: int  # due
    delayed: int
    active: int
    completed: int
    failed: int
    oldest_due_s: float  # 0 without a due job
    per_minute: int  # completed in the last minute
    failed_share: float  # of those that ended in the last hour, 0 to 1


async def read() -> list[QueueFigures]:
    """Return the figures of all queues. Raises Unavailable."""
    async with database.guard():
        sql = database.connection()
        found, paused = await rows.read(sql), await rows.paused(sql)
    return [_figures(queue, found.get(queue, {}), queue in paused) for queue in Queue]


def _figures(queue: Queue, found: dict[str, float], paused: bool) -> QueueFigures:  # noqa: FBT001 - one caller
    failed, completed = found.get("failed_hour", 0), found.get("completed_hour", 0)
    return QueueFigures(
        queue=queue,
        paused=paused,
        waiting=int(found.get("waiting", 0)),
        delayed=int(found.get("delayed", 0)),
        active=int(found.get("active", 0)),
        completed=int(found.get("completed", 0)),
        failed=int(found.get("failed", 0)),
        oldest_due_s=round(found.get("oldest_due_s", 0.0), 3),
        per_minute=int(found.get("completed_minute", 0)),
        failed_share=round(failed / (failed + completed), 4) if failed + completed else 0.0,
    )


async def overdue(settings: "Settings") -> list[QueueFigures]:
    """Return the queues whose jobs wait beyond the settings, without paused ones. Raises Unavailable."""
    return [
        each
        for each in await read()
        if not each.paused
        and (each.oldest_due_s > settings.queue_warn_s or each.waiting > settings.queue_warn_jobs)
    ]


async def warn(settings: "Settings") -> list[QueueFigures]:
    """Log and count the queues whose jobs wait too long, and return them. Raises Unavailable."""
    found = await overdue(settings)
    for each in found:
        metrics.count("queue_warnings", each.queue)
        fields = {"queue": each.queue, "jobs": each.waiting, "oldest_s": each.oldest_due_s}
        log.warning("jobs of a queue wait too long", extra=fields)
    return found
