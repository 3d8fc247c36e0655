"""A scheduler and a worker: the run is enqueued, performed and recorded."""

from datetime import timedelta

from hubbub import models
from hubbub.core import clock
from hubbub.services.jobs import schedule_runs
from hubbub.workers import registry
from hubbub.workers.scheduler import Scheduler
from hubbub.workers.worker import Worker
from tests.support.waiting import until

WAIT_S = 10.0
ON_BY_DEFAULT = ("SESSIONS", "TOKENS", "QUEUE_WATCH", "UPLOADS", "RETENTION", "DIGEST")


async def test_a_run_that_was_missed_is_performed_and_recorded(container):
    first = Scheduler(container)
    first.start()
    await until(models.Schedule.filter(name="HEARTBEAT").exists, WAIT_S)
    await first.close()
    assert not await models.Lease.exists()
    await models.Schedule.all().update(handled_until=clock.now() - timedelta(days=2))

    worker, scheduler = Worker(container, registry.HANDLERS), Scheduler(container)
    worker.start()
    scheduler.start()

    async def all_ok():
        runs = {run.schedule: run.outcome for run in await models.ScheduleRun.all()}
        return runs == dict.fromkeys(ON_BY_DEFAULT, "ok")

    await until(all_ok, WAIT_S)
    await scheduler.close()
    await worker.close()
    [run] = await schedule_runs.latest("TOKENS", 100)
    assert run.ms is not None
    assert await models.ScheduleRun.all().count() == len(ON_BY_DEFAULT)
