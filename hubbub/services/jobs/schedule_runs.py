"""Runs of schedules: each enqueues a job, which stores the outcome of the run."""

import functools
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from uuid import UUID

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.jobs import schedules as rows
from hubbub.schemas.jobs import ScheduledJob
from hubbub.services.jobs import kinds, queue

if TYPE_CHECKING:
    from hubbub.db.sql import Sql
    from hubbub.services.jobs.schedules import Schedule

C = TypeVar("C")
J = TypeVar("J", bound=ScheduledJob)

RUNNING, OK, FAILED = "running", "ok", "failed"
MAX_ERROR_CHARS = 500
NO_JOB_TEXT = "The job was deleted."


async def start(tx: "Sql", schedule: "Schedule", at: datetime) -> UUID | None:
    """Enqueue a run in a transaction. Returns its id, or None if the last run has not ended.

    Publish `JobsWaiting` after the commit.
    """
    run_id = ids.uuid7()
    payload = schedule.payload(run_id=run_id)
    job_id = await queue.enqueue(tx, payload, unique_key=f"schedule:{schedule.name}")
    if job_id is None:
        return None
    await models.ScheduleRun.create(id=run_id, schedule=schedule.name, job_id=job_id, at=at, outcome=RUNNING)
    await rows.delete_old_runs(tx, schedule.name)
    return run_id


def recorded(task: Callable[[C, J], Awaitable[None]]) -> Callable[[C, J], Awaitable[None]]:
    """Return the handler of a scheduled job: it performs `task` and stores the outcome of the run.

    An attempt that fails is stored, and replaced by the outcome of the next attempt.
    """

    @functools.wraps(task)
    async def run(container: C, job: J) -> None:
        began = clock.monotonic()
        try:
            await task(container, job)
        except kinds.Unfinished:
            raise
        except Exception as error:
            await _store(job.run_id, began, FAILED, f"{type(error).__name__}: {error}")
            raise
        await _store(job.run_id, began, OK, None)

    return run


async def _store(run_id: UUID, began: float, outcome: str, error: str | None) -> None:
    text = error.replace("\x00", "")[:MAX_ERROR_CHARS] if error is not None else None
    ms = round((clock.monotonic() - began) * 1000)
    async with database.guard():
        await models.ScheduleRun.filter(id=run_id).update(outcome=outcome, ms=ms, error=text)


class Run(NamedTuple):
    """One run."""

    at: datetime  # when it was enqueued
    ms: int | None  # duration; None before its end
    outcome: str  # running, ok, failed
    error: str | None


async def latest(name: str, limit: int) -> list[Run]:
    """Return the latest runs of a schedule, newest first. Raises Unavailable.

    A run whose job failed without storing it, because its worker was lost, has failed.
    """
    async with database.guard():
        found = await models.ScheduleRun.filter(schedule=name).order_by("-id").limit(limit)
        open_ids = [run.job_id for run in found if run.outcome == RUNNING]
        jobs = {job.id: job for job in await models.Job.filter(id__in=open_ids)} if open_ids else {}
    return [_to_run(row, jobs.get(row.job_id)) for row in found]


def _to_run(row: models.ScheduleRun, job: models.Job | None) -> Run:
    if row.outcome == RUNNING and (job is None or job.state == "dead"):
        return Run(row.at, row.ms, FAILED, job.last_error if job is not None else NO_JOB_TEXT)
    return Run(row.at, row.ms, row.outcome, row.error)
