"""Administration of schedules. A choice that is stored here has precedence over the setting."""

from datetime import datetime

from msgspec import UNSET

from hubbub import models
from hubbub.core import clock, cron
from hubbub.core.errors import Conflict, NotFound
from hubbub.db import database
from hubbub.db.sql import database_now
from hubbub.queries.audit import audit_log
from hubbub.queries.audit.audit_log import Action, Target
from hubbub.queries.jobs import schedules as rows
from hubbub.queries.jobs.schedules import KEPT_RUNS, Choice
from hubbub.schemas.admin import schedules as wire
from hubbub.services import permissions
from hubbub.services.audit import recorder
from hubbub.services.context import Context
from hubbub.services.jobs import schedule_runs, schedules, scheduling
from hubbub.services.jobs.schedule_runs import Run
from hubbub.services.jobs.schedules import SCHEDULES, Schedule
from hubbub.services.permissions import Permission


def _require_schedule(name: str) -> Schedule:
    """Return the schedule with a name. Raises NotFound."""
    if (schedule := schedules.named(name)) is None:
        raise NotFound("Schedule not found.")
    return schedule


async def list_schedules(ctx: Context) -> list[wire.ScheduleView]:
    """Return all schedules with their last and next runs."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    return [await _to_view(ctx, schedule) for schedule in SCHEDULES]


async def _to_view(ctx: Context, schedule: Schedule) -> wire.ScheduleView:
    async with database.guard():
        row = await models.Schedule.get_or_none(name=schedule.name)
        now = await database_now(database.connection())
    plan = schedules.plan_of(schedule, ctx.container.settings, schedules.choice_of(row))
    next_run = plan.next_run(_handled_until(row, str(plan), now))
    last = await schedule_runs.latest(schedule.name, 1)
    return wire.ScheduleView(
        name=schedule.name,
        cron=plan.cron,
        time_zone=plan.time_zone,
        enabled=plan.cron is not None,
        running_on=await scheduling.acting_instance(),
        last_run=_to_run(last[0]) if last else None,
        next_run=clock.rfc3339(next_run) if next_run is not None else None,
    )


def _handled_until(row: models.Schedule | None, plan: str, now: datetime) -> datetime:
    """Return the time after which the next run is due, as the scheduler counts."""
    return row.handled_until if row is not None and row.plan == plan else now


def _to_run(run: Run) -> wire.RunView:
    return wire.RunView(at=clock.rfc3339(run.at), ms=run.ms, outcome=run.outcome, error=run.error)


async def list_runs(ctx: Context, command: wire.ScheduleRef) -> list[wire.RunView]:
    """Return the last 100 runs of a schedule, newest first. Raises NotFound."""
    await permissions.require(ctx, Permission.READ_OPERATION)
    schedule = _require_schedule(command.name)
    return [_to_run(run) for run in await schedule_runs.latest(schedule.name, KEPT_RUNS)]


async def change_schedule(ctx: Context, command: wire.ChangeSchedule) -> wire.ScheduleView:
    """Switch a schedule on or off, or change its expression. No run before this change is made up.

    Raises Forbidden, NotFound.
    """
    act = recorder.act_of(ctx, Action.CHANGE_SCHEDULE, Target("schedule", command.name))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        schedule = _require_schedule(command.name)
        async with ctx.unit() as unit:
            row = await models.Schedule.filter(name=schedule.name).select_for_update().first()
            before = schedules.choice_of(row)
            choice = _changed(before, command)
            plan = str(schedules.plan_of(schedule, ctx.container.settings, choice))
            if choice != before:
                now = await database_now(unit.tx)
                until = _handled_until(row, plan, now)
                await rows.store_choice(unit.tx, schedule.name, choice, plan, until)
                await audit_log.record(unit.tx, act, plan=plan)
    return await _to_view(ctx, schedule)


def _changed(choice: Choice, command: wire.ChangeSchedule) -> Choice:
    if command.enabled is not UNSET:
        choice = choice._replace(enabled=command.enabled)
    if command.cron is not UNSET:
        choice = choice._replace(cron=cron.check(command.cron))
    return choice


async def run_schedule(ctx: Context, command: wire.ScheduleRef) -> None:
    """Enqueue a run now, whether the schedule is on or off.

    Raises Forbidden, NotFound, Conflict (the last run has not ended).
    """
    act = recorder.act_of(ctx, Action.RUN_SCHEDULE, Target("schedule", command.name))
    async with recorder.attempt(ctx.container, act):
        permissions.check(ctx.role, Permission.MANAGE_JOBS)
        schedule = _require_schedule(command.name)
        async with ctx.unit() as unit:
            run_id = await schedule_runs.start(unit.tx, schedule, await database_now(unit.tx))
            if run_id is None:
                raise Conflict("The last run has not ended.")
            await audit_log.record(unit.tx, act)
            unit.wake_workers()
