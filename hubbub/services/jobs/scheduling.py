"""One step of the scheduler: under a lease, it enqueues the runs that are due.

A run that was missed is made up once, at once, however many were missed. Nothing is made up for the time
before a schedule was switched on or changed.
"""

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from hubbub import models
from hubbub.core import metrics
from hubbub.db import database
from hubbub.db.sql import database_now
from hubbub.queries.jobs import schedules as rows
from hubbub.services.jobs import schedule_runs
from hubbub.services.jobs.schedules import SCHEDULES, Plan, Schedule, choice_of, plan_of

if TYPE_CHECKING:
    from hubbub.config import Settings

LEASE = "scheduler"
LEASE_S = 15.0
MAX_PAUSE_S = 5.0  # between two steps: a third of the lease
MIN_PAUSE_S = 0.05
# Beyond it, the clock went back since a run was enqueued.
CLOCK_TOLERANCE = timedelta(seconds=60)

log = logging.getLogger(__name__)
metrics.declare("schedule_runs", [schedule.name for schedule in SCHEDULES])
metrics.declare("schedule_runs_skipped", [schedule.name for schedule in SCHEDULES])


async def step(settings: "Settings", process_run: UUID) -> tuple[bool, float]:
    """Enqueue the runs that are due, unless another scheduler acts.

    Returns whether any was enqueued (publish `JobsWaiting`), and the pause in seconds before the next step.
    Raises Unavailable.
    """
    async with database.guard():
        sql = database.connection()
        if not await rows.take_lease(sql, LEASE, process_run, settings.instance_id, LEASE_S):
            return False, MAX_PAUSE_S
        now = await database_now(sql)
        stored = {row.name: row for row in await models.Schedule.all()}
    enqueued, pause_s = False, MAX_PAUSE_S
    for schedule in SCHEDULES:
        row = stored.get(schedule.name)
        plan = plan_of(schedule, settings, choice_of(row))
        handled_until = await _handled_until(schedule, plan, row, now)
        due = plan.next_run(handled_until)
        if due is not None and due <= now:
            enqueued |= await _enqueue(schedule, handled_until, now)
            due = plan.next_run(now)
        if due is not None:
            pause_s = min(pause_s, (due - now).total_seconds())
    return enqueued, max(pause_s, MIN_PAUSE_S)


async def _handled_until(
    schedule: Schedule, plan: Plan, row: models.Schedule | None, now: datetime
) -> datetime:
    """Return up to when the runs of a schedule were enqueued: now, if its plan is new."""
    if row is not None and row.plan == str(plan) and row.handled_until <= now + CLOCK_TOLERANCE:
        return row.handled_until
    async with database.guard():
        await rows.store_plan(database.connection(), schedule.name, str(plan), now)
    return now


async def _enqueue(schedule: Schedule, handled_until: datetime, now: datetime) -> bool:
    """Enqueue one run for all that are due. Returns False if none was enqueued."""
    async with database.transaction() as tx:
        if not await rows.advance(tx, schedule.name, handled_until, now):
            return False  # this process was stalled, and another one holds the lease
        run_id = await schedule_runs.start(tx, schedule, now)
    if run_id is None:
        metrics.count("schedule_runs_skipped", schedule.name)
        log.warning("a run was skipped because the last one has not ended", extra={"schedule": schedule.name})
        return False
    metrics.count("schedule_runs", schedule.name)
    log.info("a scheduled run was enqueued", extra={"schedule": schedule.name, "run": str(run_id)})
    return True


async def release(process_run: UUID) -> None:
    """Give the lease back when the scheduler stops. Raises Unavailable."""
    async with database.guard():
        await rows.release_lease(database.connection(), LEASE, process_run)


async def acting_instance() -> str | None:
    """Return the id of the instance whose scheduler acts, or None. Raises Unavailable."""
    async with database.guard():
        return await rows.lease_holder(database.connection(), LEASE)
