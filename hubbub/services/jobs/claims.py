"""Claims of jobs: a worker holds a job by a lease, extends it while the job runs, and stores the outcome.

The lease of a worker that dies expires, and another worker runs the job again. An outcome is only stored by
the lease that holds the job.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.core import ids
from hubbub.db import database
from hubbub.queries.jobs import claims as claim_rows
from hubbub.queries.jobs import leases as rows
from hubbub.queries.jobs.claims import Slots
from hubbub.schemas.base import encode
from hubbub.schemas.jobs import JobPayload, Priority
from hubbub.services.jobs import kinds

LEASE_S = 30.0
CLOCK_TOLERANCE_S = 5.0  # of a clock that is adjusted
MAX_CORRECTED_JOBS = 500  # by one transaction
MAX_ERROR_CHARS = 500
MAX_LOST_JOBS = 100  # requeued by one call
# After so many losses a job may be the cause: others should run before it kills the next worker.
MAX_PROMPT_RETRIES = 2
LOST_TEXT = "The worker was lost."

_PRIORITIES = [int(priority) for priority in Priority]


class Job(NamedTuple):
    """A job that a worker holds."""

    id: UUID
    lease: UUID  # of this claim
    kind: str  # as stored
    version: int  # of the payload
    payload: str  # JSON, as stored: `kinds.decode` reads it
    attempts: int  # with the present one


def slots_of(kind: kinds.Kind, free: int) -> Slots:
    """Return how many jobs of a kind may be claimed, of this version and of earlier ones."""
    return Slots(kind.name, kind.queue, kind.version, free)


async def claim(slots: Sequence[Slots], limit: int, lease: UUID | None = None) -> list[Job]:
    """Claim up to `limit` due jobs of these kinds, the most urgent first. Raises Unavailable.

    `lease` is new for each claim, so that a job claimed twice by one worker has two leases.
    """
    held_by = claim_rows.Lease(lease or ids.uuid7(), LEASE_S)
    async with database.guard():
        found = await claim_rows.claim(database.connection(), slots, _PRIORITIES, limit, held_by)
    return [Job(row.id, held_by.id, row.kind, row.version, row.payload, row.attempts) for row in found]


async def next_due_s(slots: Sequence[Slots]) -> float | None:
    """Return in how many seconds a job of these kinds is due, at most 0 if one is; None without a job.

    Idle workers poll it. It does not write. Raises Unavailable.
    """
    async with database.guard():
        return await claim_rows.next_due_s(database.connection(), slots, _PRIORITIES)


async def extend(leases: Collection[UUID]) -> set[UUID]:
    """Extend leases. Returns the ids of the jobs that they still hold. Raises Unavailable."""
    async with database.guard():
        return await rows.extend(database.connection(), leases, LEASE_S)


async def any_lost() -> tuple[bool, datetime]:
    """Return whether the lease of a job has expired, and the time. It does not write. Raises Unavailable."""
    async with database.guard():
        return await rows.any_lost(database.connection())


async def follow_clock() -> None:
    """Correct times of jobs that lie in the future because the clock went back. Safe to repeat.

    A job that was stored later than now is delayed again from now on. One that is retried keeps its time.
    Raises Unavailable.
    """
    async with database.guard():
        await rows.shorten_leases(database.connection(), LEASE_S)
    corrected = MAX_CORRECTED_JOBS
    while corrected == MAX_CORRECTED_JOBS:
        async with database.transaction() as tx:
            corrected = await rows.restart_delays(tx, CLOCK_TOLERANCE_S, MAX_CORRECTED_JOBS)


async def requeue_lost() -> int:
    """Requeue the jobs of lost workers: at once, from the third loss on with a back-off. Returns how many.

    After the last attempt a job has failed: it may be what kills workers. Raises Unavailable.
    """
    if not (await any_lost())[0]:
        return 0
    async with database.transaction() as tx:
        lost = await rows.lock_lost(tx, MAX_LOST_JOBS)
        for job_id, kind_name, attempts in lost:
            if attempts >= kinds.max_attempts(kind_name):
                await rows.end(tx, job_id, None, "dead", LOST_TEXT)
            else:
                delay = kinds.retry_delay(kind_name, attempts) if attempts > MAX_PROMPT_RETRIES else 0.0
                await rows.retry(tx, job_id, None, delay, LOST_TEXT)
    return len(lost)


async def finish(job: Job) -> None:
    """Mark a job as done. Does nothing if its lease is lost, like the next functions."""
    await finish_all([job])


async def finish_all(jobs: Sequence[Job]) -> dict[Job, None]:
    """Mark jobs as done by one statement, for `core.batching`."""
    async with database.guard():
        await rows.end_all(database.connection(), [(job.id, job.lease) for job in jobs])
    return {}


def is_dead(job: Job, error: Exception) -> bool:
    """Return whether a job that failed with this error is not retried."""
    return isinstance(error, kinds.PermanentFailure) or job.attempts >= kinds.max_attempts(job.kind)


async def fail(job: Job, error: Exception) -> None:
    """Retry a failed job later, or keep it as dead."""
    text = f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode()
    text = text.replace("\x00", "")[:MAX_ERROR_CHARS]
    async with database.guard():
        sql = database.connection()
        if is_dead(job, error):
            await rows.end(sql, job.id, job.lease, "dead", text)
        else:
            delay = kinds.retry_delay(job.kind, job.attempts)
            if isinstance(error, kinds.RetryLater):
                delay = error.delay
            await rows.retry(sql, job.id, job.lease, delay, text)


async def save_progress(job: Job, payload: JobPayload) -> None:
    """Store the progress of a job, which is due again at once."""
    async with database.guard():
        text, version = encode(payload).decode(), kinds.of(payload).version
        await rows.save_progress(database.connection(), job.id, job.lease, text, version)


async def release(job: Job) -> None:
    """Return a job of a worker that stops: it is due at once, and the run is no attempt."""
    async with database.guard():
        await rows.release(database.connection(), job.id, job.lease)
