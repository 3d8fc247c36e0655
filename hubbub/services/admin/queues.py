"""Administration of queues and their jobs. Every change is in the audit log."""

from datetime import datetime, timedelta
from typing import Any

from tortoise.expressions import Q

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Conflict, NotFound
from hubbub.core.logs import mask_secrets
from hubbub.db import database
from hubbub.db.sql import database_now
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.queries.jobs import admin as rows
from hubbub.schemas.admin import queues as wire
from hubbub.schemas.base import decode, encode, to_builtins
from hubbub.schemas.jobs import Queue
from hubbub.services import pagination, permissions
from hubbub.services.audit import recorder
from hubbub.services.context import Context
from hubbub.services.jobs import kinds, queue_watch
from hubbub.services.permissions import Permission

_STORED_STATES = {"active": "running", "completed": "done", "failed": "dead"}
_STATES = {stored: state for state, stored in _STORED_STATES.items()}


def _require_queue(name: str) -> Queue:
    """Return the queue with a name. Raises NotFound."""
    if name not in set(Queue):
        raise NotFound("Queue not found.")
    return Queue(name)


# --- queues ---


async def list_queues(ctx: Context) -> list[wire.QueueStatus]:
    """Return all queues with the numbers of their jobs."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    return [_to_view(each) for each in await queue_watch.read()]


def _to_view(figures: queue_watch.QueueFigures) -> wire.QueueStatus:
    values = figures._asdict()
    return wire.QueueStatus(name=values.pop("queue"), **values)


async def change_queue(ctx: Context, command: wire.ChangeQueue) -> wire.QueueStatus:
    """Pause or resume a queue. Running jobs continue. Raises Forbidden, NotFound."""
    action = Action.PAUSE_QUEUE if command.paused else Action.RESUME_QUEUE
    act = recorder.act_of(ctx, action, Target("queue", command.name))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        queue = _require_queue(command.name)
        async with ctx.unit() as unit:
            if await rows.set_paused(unit.tx, queue, paused=command.paused):
                await audit_log.record(unit.tx, act)
                unit.wake_workers()
    return next(_to_view(each) for each in await queue_watch.read() if each.queue == queue)


# --- jobs ---


async def list_jobs(ctx: Context, command: wire.ListJobs) -> tuple[list[wire.JobView], int]:
    """Return a page of the jobs of a queue, newest first, and the number of all. Raises NotFound."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    async with database.guard():
        now = await database_now(database.connection())
    found = models.Job.filter(_state_filter(command.state, now), queue=_require_queue(command.name))
    if command.kind is not None:
        found = found.filter(kind=command.kind)
    jobs, total = await pagination.page(found.order_by("-id"), command)
    return [_to_job(ctx, job, now) for job in jobs], total


def _state_filter(state: str | None, now: datetime) -> Q:
    if state is None:
        return Q()
    if state in _STORED_STATES:
        return Q(state=_STORED_STATES[state])
    return Q(state="ready", run_at__lte=now) if state == "waiting" else Q(state="ready", run_at__gt=now)


async def get_job(ctx: Context, command: wire.JobRef) -> wire.JobView:
    """Return a job. Raises NotFound."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    async with database.guard():
        now = await database_now(database.connection())
        job = await models.Job.filter(id=command.job_id, queue=_require_queue(command.name)).first()
    if job is None:
        raise NotFound("Job not found.")
    return _to_job(ctx, job, now)


def _to_job(ctx: Context, job: models.Job, now: datetime) -> wire.JobView:
    state = _STATES.get(job.state) or ("waiting" if job.run_at <= now else "delayed")
    return wire.JobView(
        id=job.id,
        kind=job.kind,
        state=state,
        attempts=job.attempts,
        run_at=clock.rfc3339(job.run_at),
        created_at=clock.rfc3339(job.created_at),
        ended_at=clock.rfc3339(job.ended_at) if job.ended_at is not None else None,
        error=job.last_error,
        facts=_facts(job) if permissions.allows(ctx.role, Permission.READ_JOB_PAYLOADS) else None,
    )


def _facts(job: models.Job) -> dict[str, Any]:
    """Return the payload without secrets. Empty for what this release can't decode."""
    try:
        payload = kinds.decode(kinds.named(job.kind), job.payload, job.version)
    except (kinds.UnknownKind, kinds.PermanentFailure):
        return {}
    fields: dict[str, Any] = to_builtins(payload)
    shown = {name: value for name, value in fields.items() if name not in payload.secret_fields}
    facts: dict[str, Any] = decode(mask_secrets(encode(shown).decode()))
    return facts


async def cancel_job(ctx: Context, command: wire.JobRef) -> None:
    """Delete a job that waits or is delayed. Raises Forbidden, NotFound, Conflict (any other state)."""
    act = recorder.act_of(ctx, Action.CANCEL_JOB, Target("job", command.job_id))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        queue = _require_queue(command.name)
        async with ctx.unit() as unit:
            if (kind := await rows.cancel(unit.tx, queue, command.job_id)) is None:
                await _raise_for_state(command, "Only a job that waits or is delayed can be cancelled.")
            await audit_log.record(unit.tx, act, queue=queue, kind=kind)


async def retry_job(ctx: Context, command: wire.JobRef) -> None:
    """Make a failed job due, with all attempts. Raises Forbidden, NotFound, Conflict (any other state)."""
    act = recorder.act_of(ctx, Action.RETRY_JOB, Target("job", command.job_id))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        queue = _require_queue(command.name)
        async with ctx.unit() as unit:
            if (kind := await rows.retry(unit.tx, queue, command.job_id)) is None:
                await _raise_for_state(command, "Only a failed job can be retried.")
            await audit_log.record(unit.tx, act, queue=queue, kind=kind)
            unit.wake_workers()


async def _raise_for_state(command: wire.JobRef, text: str) -> None:
    if await models.Job.filter(id=command.job_id, queue=command.name).exists():
        raise Conflict(text)
    raise NotFound("Job not found.")


async def retry_jobs(ctx: Context, command: wire.RetryJobs) -> None:
    """Make all failed jobs of a queue, or of one kind, due. Raises Forbidden, NotFound."""
    act = recorder.act_of(ctx, Action.RETRY_JOBS, Target("queue", command.name))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        queue = _require_queue(command.name)
        retried = 0
        while batch := await _retry_batch(ctx, queue, command.kind):
            retried += batch
        async with ctx.unit() as unit:
            await audit_log.record(unit.tx, act, jobs=retried, kind=command.kind)


async def _retry_batch(ctx: Context, queue: Queue, kind: str | None) -> int:
    """Make a batch of failed jobs due. Returns their number."""
    async with ctx.unit() as unit:
        unit.wake_workers()
        return await rows.retry_batch(unit.tx, queue, kind)


async def delete_jobs(ctx: Context, command: wire.DeleteJobs) -> wire.DeletedJobs:
    """Delete completed or failed jobs that ended some time ago. Raises Forbidden, NotFound."""
    act = recorder.act_of(ctx, Action.DELETE_JOBS, Target("queue", command.name))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        queue, state = _require_queue(command.name), _STORED_STATES[command.state]
        async with database.guard():
            before = await database_now(database.connection()) - timedelta(seconds=command.older_than_s)
        deleted = 0
        while batch := await _delete_batch(ctx, queue, state, before):
            deleted += batch
        async with ctx.unit() as unit:
            await audit_log.record(unit.tx, act, jobs=deleted, state=command.state)
    return wire.DeletedJobs(deleted=deleted)


async def _delete_batch(ctx: Context, queue: Queue, state: str, before: datetime) -> int:
    """Delete a batch of jobs. Returns their number."""
    async with ctx.unit() as unit:
        return await rows.delete_batch(unit.tx, queue, state, before)
