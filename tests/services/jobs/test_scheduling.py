"""Runs are enqueued once when they are due, made up once when they were missed, by one process at a time."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.config.schedules import DEFAULT_CRON
from hubbub.core import clock
from hubbub.db import sql
from hubbub.queries.jobs import schedules as rows
from hubbub.services.jobs import schedule_runs, scheduling

NOW = datetime(2026, 3, 28, 22, 59, 50, tzinfo=UTC)
ONE, OTHER = uuid4(), uuid4()


class Clock:
    """The time of the database, as the scheduler reads it."""

    def __init__(self):
        self.now = NOW

    async def read(self, _sql):
        return self.now

    def go(self, **delta):
        self.now += timedelta(**delta)


@pytest.fixture
def settings(settings):
    """Only SESSIONS, each hour."""
    off = [f"schedule_{name.lower()}" for name in DEFAULT_CRON if name != "SESSIONS"]
    return settings.model_copy(update=dict.fromkeys(off, "off"))


@pytest.fixture(autouse=True)
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture(autouse=True)
def time(monkeypatch):
    made = Clock()
    monkeypatch.setattr(scheduling, "database_now", made.read)
    return made


async def enqueued():
    """The times of the runs so far."""
    return [run.at for run in await models.ScheduleRun.all().order_by("id")]


async def end_jobs():
    await models.Job.all().update(state="done", unique_key=None)


async def test_a_run_is_enqueued_when_it_is_due(settings, time):
    assert await scheduling.step(settings, ONE) == (False, 5.0)
    time.go(seconds=6)
    assert await scheduling.step(settings, ONE) == (False, 4.0)
    time.go(seconds=4)

    enqueued_any, pause_s = await scheduling.step(settings, ONE)

    assert (enqueued_any, pause_s) == (True, 5.0)
    [run] = await models.ScheduleRun.all()
    assert (run.schedule, run.at, run.outcome) == ("SESSIONS", time.now, "running")
    job = await models.Job.get()
    assert (job.id, job.kind, str(run.id) in job.payload) == (run.job_id, "schedule.sessions", True)
    assert await scheduling.step(settings, ONE) == (False, 5.0)


async def test_a_missed_run_is_made_up_once_immediately(settings, time):
    await scheduling.step(settings, ONE)
    time.go(hours=7)  # everything was down

    await scheduling.step(settings, OTHER)
    assert await enqueued() == []  # the lease of the process that died is respected
    await models.Lease.all().delete()
    await scheduling.step(settings, OTHER)
    assert await enqueued() == [time.now]
    await end_jobs()
    await scheduling.step(settings, OTHER)
    assert await enqueued() == [time.now]

    time.go(seconds=10)
    await scheduling.step(settings, OTHER)
    assert len(await enqueued()) == 2  # the next one is at its own time


async def test_nothing_is_made_up_for_the_time_before_a_schedule_is_switched_on(settings, time):
    off = settings.model_copy(update={"schedule_sessions": "off"})
    await scheduling.step(off, ONE)
    time.go(days=1)

    await scheduling.step(settings, ONE)
    await scheduling.step(off, ONE)
    time.go(days=1)
    await scheduling.step(settings.model_copy(update={"schedule_sessions": "0 0 * * *"}), ONE)

    assert await enqueued() == []


async def test_a_run_is_skipped_while_the_last_one_has_not_ended(settings, time):
    await scheduling.step(settings, ONE)
    for _ in range(3):
        time.go(hours=1)
        await scheduling.step(settings, ONE)

    assert len(await enqueued()) == 1
    await end_jobs()
    await scheduling.step(settings, ONE)
    assert len(await enqueued()) == 1
    time.go(hours=1)
    await scheduling.step(settings, ONE)
    assert len(await enqueued()) == 2


# --- one process acts ---


async def test_of_several_schedulers_one_acts_until_its_lease_ends(settings, time):
    await scheduling.step(settings, ONE)
    assert await scheduling.acting_instance() == settings.instance_id
    time.go(hours=1)

    assert await scheduling.step(settings, OTHER) == (False, scheduling.MAX_PAUSE_S)
    assert await enqueued() == []

    await models.Lease.all().update(expires_at=clock.now() - timedelta(seconds=1))
    assert await scheduling.acting_instance() is None
    await scheduling.step(settings, OTHER)
    assert len(await enqueued()) == 1
    assert await scheduling.step(settings, ONE) == (False, scheduling.MAX_PAUSE_S)


async def test_a_scheduler_that_stops_lets_another_one_act_at_once(settings):
    await scheduling.step(settings, ONE)
    await scheduling.release(OTHER)
    assert (await models.Lease.get()).run == ONE

    await scheduling.release(ONE)

    await scheduling.step(settings, OTHER)
    assert (await models.Lease.get()).run == OTHER


async def test_a_run_is_enqueued_once_also_if_two_schedulers_believe_to_act(settings, time, monkeypatch):
    await scheduling.step(settings, ONE)
    time.go(hours=1)

    async def always(*_):
        return True

    monkeypatch.setattr(rows, "take_lease", always)
    for _ in range(3):
        await asyncio.gather(*(scheduling.step(settings, uuid4()) for _ in range(4)))
        await end_jobs()

    assert len(await enqueued()) == 1


# --- clocks ---


@pytest.mark.parametrize("forward", [{"hours": 5}, {"days": 400}])
async def test_a_clock_that_jumps_forward_and_back_stops_no_schedule(settings, time, forward):
    await scheduling.step(settings, ONE)
    time.go(**forward)
    await scheduling.step(settings, ONE)
    assert len(await enqueued()) == 1
    await end_jobs()
    time.now = NOW

    await scheduling.step(settings, ONE)
    assert len(await enqueued()) == 1
    time.go(seconds=10)
    await scheduling.step(settings, ONE)

    assert len(await enqueued()) == 2


async def test_a_clock_that_goes_back_a_little_repeats_no_run(settings, time):
    await scheduling.step(settings, ONE)
    time.go(seconds=11)
    await scheduling.step(settings, ONE)
    await end_jobs()
    time.go(seconds=-30)
    await scheduling.step(settings, ONE)
    time.go(seconds=30)
    await scheduling.step(settings, ONE)

    assert len(await enqueued()) == 1


async def test_a_lease_from_before_the_clock_went_back_has_no_holder(settings):
    await scheduling.step(settings, ONE)
    await models.Lease.all().update(expires_at=clock.now() + timedelta(hours=1))

    await scheduling.step(settings, OTHER)

    assert (await models.Lease.get()).run == OTHER


async def test_runs_follow_the_time_zone_across_daylight_saving_time(settings, time):
    # Berlin, 29 March 2026: 02:00 becomes 03:00, at 01:00 UTC.
    berlin = settings.model_copy(
        update={"schedule_sessions": "30 2 * * *", "schedule_time_zone": "Europe/Berlin"}
    )
    await scheduling.step(berlin, ONE)
    for _ in range(3 * 24 * 2):
        time.go(minutes=30)
        await scheduling.step(berlin, ONE)
        await end_jobs()

    assert [at.strftime("%d %H") for at in await enqueued()] == ["29 01", "30 00", "31 00"]


async def test_the_time_is_that_of_the_database(container):
    async with scheduling.database.guard():
        assert abs(await sql.database_now(scheduling.database.connection()) - clock.now()) < timedelta(
            minutes=1
        )


async def test_the_last_hundred_runs_are_kept(settings, time, monkeypatch):
    monkeypatch.setattr(rows, "KEPT_RUNS", 3)
    await scheduling.step(settings, ONE)
    for _ in range(5):
        time.go(hours=1)
        await scheduling.step(settings, ONE)
        await end_jobs()

    found = await schedule_runs.latest("SESSIONS", 100)

    assert len(found) == 3
    assert found[0].at == time.now
