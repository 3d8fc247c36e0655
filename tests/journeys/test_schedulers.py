"""Two scheduler processes: one acts, and the other takes over when it is killed."""

import asyncio
import os
import signal
import sys
from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.services.instance import processes
from hubbub.services.jobs import scheduling
from tests.support.waiting import until

WAIT_S = 30.0


@pytest.fixture
async def start(settings, tmp_path):
    """Starts a scheduler with an id."""
    started = []
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}

    async def begin(name):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hubbub", "scheduler"),
            cwd=tmp_path,
            env={
                **inherited,
                "HUBBUB_ENV": "test",
                "HUBBUB_INSTANCE_ID": name,
                "HUBBUB_DATABASE_URL": settings.database_url,
                "HUBBUB_SECRET_KEY": settings.secret_key,
            },
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("database_kind", ["postgres"])  # SQLite has one process
@pytest.mark.slow("8 s: the lease of a killed scheduler ends")
async def test_another_scheduler_takes_over_and_makes_up_the_missed_run(settings, start):
    async with services_context.open_container(settings):

        async def acting(name):
            return await scheduling.acting_instance() == name

        first = await start("one")
        await until(lambda: acting("one"), WAIT_S)
        second = await start("two")

        async def registered():
            return {(row.kind, row.id) for row in await processes.live()} >= {
                ("scheduler", "one"),
                ("scheduler", "two"),
            }

        await until(registered, WAIT_S)
        first.kill()
        await first.wait()
        assert await acting("one")
        earlier = clock.now() - timedelta(days=3)
        await models.Schedule.filter(name="TOKENS").update(handled_until=earlier)
        await models.Lease.all().update(expires_at=clock.now() - timedelta(seconds=1))

        await until(lambda: acting("two"), WAIT_S)
        await until(models.ScheduleRun.filter(schedule="TOKENS").exists, WAIT_S)
        second.send_signal(signal.SIGTERM)

        assert await asyncio.wait_for(second.wait(), WAIT_S) == 0
        assert await scheduling.acting_instance() is None
        assert await models.ScheduleRun.filter(schedule="TOKENS").count() == 1
        assert ("scheduler", "two") not in {(row.kind, row.id) for row in await processes.live()}
