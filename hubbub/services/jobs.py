"""Durable jobs: stored with the change that they follow from, done at least once, kept if they can't be.

The port is narrow: `enqueue`, `claim`, `beat`, `finish`, `fail`, and `release` when a worker stops. A worker
holds a job by a lease; who dies loses it, and another one does the job again.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub.core import clock, ids
from hubbub.models.connection import Sql, uuid_of
from hubbub.schemas.base import encode
from hubbub.services import database

LEASE_S = 30.0
ATTEMPTS = 15  # with the waits below: about eight hours
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 3600.0
DONE_KEPT = timedelta(days=1)
BATCH = 500
ERROR_LENGTH = 500


class Hopeless(Exception):
    """The job can't be done, however often it is tried."""


class Job(NamedTuple):
    """A job that a worker holds."""

    id: UUID
    kind: str
    payload: dict[str, object]
    attempts: int


async def enqueue(
    sql: Sql,
    kind: str,
    payload: dict[str, object],
    *,
    unique: str | None = None,
    run_at: datetime | None = None,
    queue: str = "default",
) -> bool:
    """Store a job, in the transaction of `sql`; False if one with this unique key has not ended yet.

    Publish `JobsWaiting` after the commit (a unit does): else it waits for the next poll.
    """
    now = clock.now()
    return bool(
        await sql.execute(
            "INSERT INTO jobs (id, queue, kind, payload, state, attempts, run_at, unique_key, created_at) "
            "VALUES ($1, $2, $3, $4, 'ready', 0, $5, $6, $7) ON CONFLICT DO NOTHING",
            *(ids.new(), queue, kind, encode(payload).decode(), run_at or now, unique, now),
        )
    )


async def claim(lease: UUID, limit: int) -> list[Job]:
    """Take up to `limit` jobs that are due, those of lost workers among them. Raises Unavailable."""
    now = clock.now()
    async with database.transaction() as tx:
        skip = "FOR UPDATE SKIP LOCKED" if tx.dialect == "postgres" else ""
        await _reap(tx, now, skip)
        rows = await tx.fetch(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, lease = $1, leased_until = $2 "
            "WHERE id IN (SELECT id FROM jobs WHERE state = 'ready' AND run_at <= $3 ORDER BY run_at "
            f"LIMIT $4 {skip}) RETURNING id, kind, payload, attempts",
            *(lease, now + timedelta(seconds=LEASE_S), now, limit),
        )
    return [
        Job(uuid_of(row["id"]), row["kind"], msgspec.json.decode(row["payload"]), row["attempts"])
        for row in rows
    ]


async def _reap(tx: Sql, now: datetime, skip: str) -> None:
    """Jobs whose workers are lost are tried again, though not for ever: they may be what kills workers."""
    await tx.execute(
        f"UPDATE jobs SET state = CASE WHEN attempts >= {ATTEMPTS} THEN 'dead' ELSE 'ready' END, "
        f"ended_at = CASE WHEN attempts >= {ATTEMPTS} THEN leased_until END, "
        "lease = NULL, leased_until = NULL, last_error = 'The worker was lost.' WHERE id IN "
        f"(SELECT id FROM jobs WHERE state = 'running' AND leased_until < $1 LIMIT 100 {skip})",
        now,
    )


async def waiting() -> bool:
    """Whether a job is due or a worker was lost: what an idle worker asks, without writing."""
    async with database.guard():
        rows = await database.connection().fetch(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE state = 'ready' AND run_at <= $1) OR "
            "EXISTS (SELECT 1 FROM jobs WHERE state = 'running' AND leased_until < $1) AS due",
            clock.now(),
        )
    return bool(rows[0]["due"])


async def beat(lease: UUID) -> None:
    """Keep what a worker holds for another while."""
    until = clock.now() + timedelta(seconds=LEASE_S)
    async with database.guard():
        await database.connection().execute(
            "UPDATE jobs SET leased_until = $2 WHERE lease = $1 AND state = 'running'", lease, until
        )


async def finish(lease: UUID, job: Job) -> None:
    """It is done. Nothing happens if another worker has it by now."""
    await _end(lease, job, "done", None)


async def fail(lease: UUID, job: Job, error: Exception) -> bool:
    """It could not be done: it is tried again later, or kept as dead. Returns whether it is dead."""
    dead = isinstance(error, Hopeless) or job.attempts >= ATTEMPTS
    said = f"{type(error).__name__}: {error}".replace("\x00", "")[:ERROR_LENGTH]
    if dead:
        await _end(lease, job, "dead", said)
    else:
        await _put_back(lease, [job.id], clock.now() + timedelta(seconds=wait_s(job.attempts)), said)
    return dead


def wait_s(attempts: int) -> float:
    """Until the next try: twice as long each time, and never the same for all that failed together."""
    longest: float = min(FIRST_WAIT_S * 2.0 ** (attempts - 1), LONGEST_WAIT_S)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def _end(lease: UUID, job: Job, state: str, said: str | None) -> None:
    async with database.guard():
        await database.connection().execute(
            "UPDATE jobs SET state = $3, ended_at = $4, last_error = $5, lease = NULL, leased_until = NULL, "
            "unique_key = NULL WHERE id = $1 AND lease = $2",
            *(job.id, lease, state, clock.now(), said),
        )


async def release(lease: UUID, job: Job) -> None:
    """Give back what a worker that stops did not finish."""
    await _put_back(lease, [job.id], clock.now(), "The worker was stopped.")


async def _put_back(lease: UUID, job_ids: Sequence[UUID], run_at: datetime, said: str) -> None:
    async with database.guard():
        for job_id in job_ids:
            await database.connection().execute(
                "UPDATE jobs SET state = 'ready', run_at = $3, last_error = $4, lease = NULL, "
                "leased_until = NULL WHERE id = $1 AND lease = $2",
                *(job_id, lease, run_at, said),
            )


async def retry(job_id: UUID) -> bool:
    """Try a dead job again, from the first attempt on. False if there is no such dead job."""
    async with database.guard():
        changed = await database.connection().execute(
            "UPDATE jobs SET state = 'ready', attempts = 0, run_at = $2, ended_at = NULL "
            "WHERE id = $1 AND state = 'dead'",
            *(job_id, clock.now()),
        )
    return bool(changed)


async def tidy(kept_days: int) -> None:
    """Delete finished jobs after a day and dead ones after `kept_days`, in batches."""
    now = clock.now()
    for state, before in (("done", now - DONE_KEPT), ("dead", now - timedelta(days=kept_days))):
        sql = (
            f"DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = '{state}' "
            f"AND ended_at < $1 LIMIT {BATCH})"
        )
        async with database.guard():
            while await database.connection().execute(sql, before) == BATCH:
                pass
