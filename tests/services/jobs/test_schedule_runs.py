"""The outcome of each run is recorded, also if its worker was lost."""

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, LogHeartbeat
from hubbub.services.jobs import kinds, schedule_runs, schedules

HEARTBEAT = schedules.named("HEARTBEAT")


@pytest.fixture(autouse=True)
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def start():
    async with database.transaction() as tx:
        return await schedule_runs.start(tx, HEARTBEAT, clock.now())


async def perform(run_id, error=None):
    async def task(_container, _job):
        if error is not None:
            raise error

    await schedule_runs.recorded(task)(None, LogHeartbeat(run_id=run_id))


async def outcome():
    [run, *_] = await schedule_runs.latest("HEARTBEAT", 100)
    return run.outcome, run.error, run.ms is not None


async def test_a_run_that_succeeds_is_recorded():
    run_id = await start()
    assert await outcome() == ("running", None, False)

    await perform(run_id)

    assert await outcome() == ("ok", None, True)


async def test_a_failed_attempt_is_replaced_by_the_next_one():
    run_id = await start()

    with pytest.raises(OSError, match="no route"):
        await perform(run_id, OSError("no route\x00" + "x" * 600))
    assert (await outcome())[0] == "failed"
    assert (await schedule_runs.latest("HEARTBEAT", 1))[0].error.startswith("OSError: no routexxx")

    await perform(run_id)
    assert await outcome() == ("ok", None, True)


async def test_a_run_that_is_not_finished_is_running():
    run_id = await start()

    with pytest.raises(kinds.Unfinished):
        await perform(run_id, kinds.Unfinished(EraseAccount(user_id=run_id)))

    assert await outcome() == ("running", None, False)


async def test_a_run_whose_worker_was_lost_for_good_has_failed():
    await start()
    await models.Job.all().update(state="dead", last_error="The worker was lost.")
    assert await outcome() == ("failed", "The worker was lost.", False)

    await models.Job.all().delete()
    assert await outcome() == ("failed", schedule_runs.NO_JOB_TEXT, False)


async def test_a_second_run_waits_for_the_end_of_the_first():
    assert await start() is not None
    assert await start() is None

    await models.Job.all().update(unique_key=None)
    assert await start() is not None
    assert len(await schedule_runs.latest("HEARTBEAT", 100)) == 2
