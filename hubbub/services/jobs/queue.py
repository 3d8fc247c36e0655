"""Durable jobs: stored with the change that causes them, run at least once (`services/jobs/claims.py`)."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from hubbub.core import ids
from hubbub.db.sql import Sql, delay_value
from hubbub.queries.jobs import jobs as rows
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import JobPayload, Priority
from hubbub.services.jobs import kinds


class NewJob(NamedTuple):
    """A job to be stored."""

    payload: JobPayload
    delay: float = 0.0  # seconds until it is due
    unique_key: str | None = None  # at most 120 characters; no second job has it until this one has ended
    priority: Priority | None = None  # None: that of its kind


async def enqueue(
    sql: Sql,
    payload: JobPayload,
    *,
    delay: float = 0.0,
    unique_key: str | None = None,
    priority: Priority | None = None,
) -> UUID | None:
    """Store a job in the transaction of `sql`. Returns its id, or None: a job with this key has not ended.

    The key is kept while the job runs: a change that a running job may have missed needs another key.
    Publish `JobsWaiting` after the commit, as a unit of work does. Otherwise the job waits for the next poll.
    """
    row = to_row(sql, NewJob(payload, delay, unique_key, priority))
    return row.id if await rows.insert(sql, row) else None


async def enqueue_all(sql: Sql, jobs: Iterable[NewJob]) -> None:
    """Store many jobs as `enqueue` does, in one round trip."""
    await rows.insert_all(sql, [to_row(sql, job) for job in jobs])


def to_row(sql: Sql, job: NewJob) -> rows.JobRow:
    """Return the row of a job, with a new id."""
    kind = kinds.of(job.payload)
    return rows.JobRow(
        id=ids.uuid7(),
        queue=kind.queue,
        kind=kind.name,
        version=kind.version,
        payload=encode(job.payload).decode(),
        priority=kind.priority if job.priority is None else job.priority,
        due=delay_value(sql, job.delay),
        created=delay_value(sql, 0.0),
        unique_key=job.unique_key,
    )


async def cancel(sql: Sql, unique_keys: Iterable[str]) -> int:
    """Delete the jobs with these keys that wait or are delayed. Returns how many; a running job continues."""
    return await rows.delete_by_key(sql, list(unique_keys))
