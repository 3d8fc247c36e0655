"""Durable jobs: stored with the change that causes them, run at least once. Failed ones are dead letters.

A worker holds a job by a lease. The lease of a worker that dies expires, and another worker runs the job
again.
"""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock, ids
from hubbub.db import database, locking
from hubbub.db.sql import Sql, as_uuid, database_time
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import JobPayload
from hubbub.services.jobs import kinds

MIN_RETRY_DELAY_S, MAX_RETRY_DELAY_S = 5.0, 3600.0
DONE_RETENTION = timedelta(days=1)
MAX_ERROR_CHARS = 500


class Unfinished(Exception):
    """The job is done in part. Another run continues from `payload`, as its first attempt."""

    def __init__(self, payload: JobPayload) -> None:
        super().__init__(payload)
        self.payload = payload


class Job(NamedTuple):
    """A job that a worker holds."""

    id: UUID
    kind: str  # as stored; a newer release may know kinds that this one does not
    payload: str  # JSON, as stored: `kinds.decode` reads it
    attempts: int  # with the present one


async def enqueue(
    sql: Sql,
    payload: JobPayload,
    *,
    unique: str | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Store a job in the transaction of `sql`. Returns False if one with this unique key has not ended.

    Publish `JobsWaiting` after the commit, as a unit of work does. Otherwise the job waits for the next poll.
    """
    kind = kinds.of(payload)
    now = clock.now()
    due = "$5" if run_at is not None else database_time(sql, "$5")
    return bool(
        await sql.execute(
            "INSERT INTO jobs (id, queue, kind, payload, state, attempts, run_at, unique_key, created_at) "
            f"VALUES ($1, $2, $3, $4, 'ready', 0, {due}, $6, $7) ON CONFLICT DO NOTHING",
            *(ids.uuid7(), kind.queue, kind.name, encode(payload).decode(), run_at or now, unique, now),
        )
    )


async def claim(lease: UUID, limit: int) -> list[Job]:
    """Take up to `limit` due jobs, including those of lost workers. Raises Unavailable."""
    now = clock.now()
    async with database.transaction() as tx:
        await _requeue_lost(tx, now)
        due = _unlocked(
            tx, f"state = 'ready' AND run_at <= {database_time(tx, '$2')} ORDER BY run_at LIMIT $3"
        )
        leased_until, lease_ends = _lease_end(tx, 4, now)
        rows = await tx.fetch(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease = $1, "
            f"leased_until = {leased_until} WHERE id {due} RETURNING id, kind, payload, attempts",
            *(lease, now, limit, *lease_ends),
        )
    return [Job(as_uuid(row["id"]), row["kind"], row["payload"], row["attempts"]) for row in rows]


def _lease_end(sql: Sql, first: int, now: datetime) -> tuple[str, list[datetime]]:
    """Return the end of a lease that begins now, by kind: an expression, and its values from `$first` on."""
    leases_s = [*(kind.lease_s for kind in kinds.KINDS), kinds.DEFAULT_LEASE_S]
    ends = [database_time(sql, f"${first + index}", lease_s) for index, lease_s in enumerate(leases_s)]
    return _case(ends[:-1], ends[-1]), [now + timedelta(seconds=lease_s) for lease_s in leases_s]


def _case(values: Iterable[object], default: object) -> str:
    """Return an expression with a value for each kind of the table, and one for all other kinds."""
    whens = (f"WHEN '{kind.name}' THEN {value}" for kind, value in zip(kinds.KINDS, values, strict=True))
    return f"CASE kind {' '.join(whens)} ELSE {default} END"


def _unlocked(tx: Sql, condition: str) -> str:
    """Return a condition on `id` that selects jobs not locked by another worker."""
    query = f"SELECT id FROM jobs WHERE {condition}"
    return f"= ANY(ARRAY({query} FOR UPDATE SKIP LOCKED))" if tx.dialect == "postgres" else f"IN ({query})"


async def _requeue_lost(tx: Sql, now: datetime) -> None:
    """Requeue the jobs of lost workers, up to the maximum of attempts: a job may be what kills workers."""
    lost = _unlocked(tx, f"state = 'running' AND leased_until < {database_time(tx, '$1')} LIMIT 100")
    exhausted = (
        f"attempts >= {_case((kind.max_attempts for kind in kinds.KINDS), kinds.DEFAULT_MAX_ATTEMPTS)}"
    )
    await tx.execute(
        f"UPDATE jobs SET state = CASE WHEN {exhausted} THEN 'dead' ELSE 'ready' END, "
        f"ended_at = CASE WHEN {exhausted} THEN leased_until END, "
        "lease = NULL, leased_until = NULL, last_error = 'The worker was lost.' "
        f"WHERE id {lost}",
        now,
    )


async def has_due() -> bool:
    """Whether a job is due or a worker was lost. Idle workers poll it; it does not write."""
    async with database.guard():
        sql = database.connection()
        now = database_time(sql, "$1")
        rows = await sql.fetch(
            f"SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND run_at <= {now}) OR "
            f"EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND leased_until < {now}) AS due",
            clock.now(),
        )
    return bool(rows[0]["due"])


async def extend_lease(lease: UUID) -> None:
    """Extend the lease of all jobs of a worker."""
    async with database.guard():
        sql = database.connection()
        running = locking.lock_condition(sql, "jobs", "lease = $1 AND state = 'running'")
        leased_until, lease_ends = _lease_end(sql, 2, clock.now())
        text = f"UPDATE jobs SET leased_until = {leased_until} WHERE id {running}"
        await sql.execute(text, lease, *lease_ends)


async def finish(lease: UUID, job: Job) -> None:
    """Mark a job as done. Does nothing if another worker holds it."""
    await _end(lease, job, "done", None)


async def save_progress(lease: UUID, job: Job, payload: JobPayload) -> None:
    """Store the progress of a job, which is due again at once. Does nothing if another worker holds it."""
    async with database.guard():
        sql = database.connection()
        await sql.execute(
            f"UPDATE jobs SET state = 'ready', attempts = 0, run_at = {database_time(sql, '$3')}, "
            "payload = $4, "
            "last_error = NULL, lease = NULL, leased_until = NULL WHERE id = $1 AND lease = $2",
            *(job.id, lease, clock.now(), encode(payload).decode()),
        )


async def fail(lease: UUID, job: Job, error: Exception) -> bool:
    """Retry a failed job later, or keep it as dead. Returns whether it is dead."""
    dead = isinstance(error, kinds.PermanentFailure) or job.attempts >= kinds.max_attempts(job.kind)
    error_text = f"{type(error).__name__}: {error}".replace("\x00", "")[:MAX_ERROR_CHARS]
    if dead:
        await _end(lease, job, "dead", error_text)
    else:
        await _reschedule(lease, [job.id], retry_delay_s(job.attempts), error_text)
    return dead


def retry_delay_s(attempts: int) -> float:
    """Return the delay before the next attempt: doubled each time, and random, so that retries spread."""
    max_delay_s: float = min(MIN_RETRY_DELAY_S * 2.0 ** (attempts - 1), MAX_RETRY_DELAY_S)
    return max_delay_s * random.uniform(0.5, 1.0)  # noqa: S311 - not used for secrets


async def _end(lease: UUID, job: Job, state: str, error_text: str | None) -> None:
    async with database.guard():
        await database.connection().execute(
            "UPDATE jobs SET state = $3, ended_at = $4, last_error = $5, lease = NULL, leased_until = NULL, "
            "unique_key = NULL WHERE id = $1 AND lease = $2",
            *(job.id, lease, state, clock.now(), error_text),
        )


async def release(lease: UUID, job: Job) -> None:
    """Return a job of a worker that stops."""
    await _reschedule(lease, [job.id], 0, "The worker was stopped.")


async def _reschedule(lease: UUID, job_ids: Sequence[UUID], delay_s: float, error_text: str) -> None:
    """Make jobs due again in `delay_s` seconds."""
    async with database.guard():
        sql = database.connection()
        run_at = clock.now() + timedelta(seconds=delay_s)
        for job_id in job_ids:
            await sql.execute(
                f"UPDATE jobs SET state = 'ready', run_at = {database_time(sql, '$3', delay_s)}, "
                "last_error = $4, lease = NULL, leased_until = NULL WHERE id = $1 AND lease = $2",
                *(job_id, lease, run_at, error_text),
            )


async def purge(retention_days: int) -> None:
    """Delete done jobs after a day and dead ones after `retention_days`, in batches."""
    now = clock.now()
    for state, before in (("done", now - DONE_RETENTION), ("dead", now - timedelta(days=retention_days))):
        async with database.guard():
            sql = database.connection()
            text = locking.delete_batch(sql, "jobs", f"state = '{state}' AND ended_at < $1")
            while await sql.execute(text, before):
                pass
