"""A worker extends the leases of its jobs, and lost jobs return to the queue."""

import asyncio
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock, metrics
from hubbub.services.jobs import claims
from hubbub.workers import worker as module
from tests.support.waiting import until
from tests.workers.worker.jobs import ERASE, WAIT_S, add, endless, job, reached, states, store


async def test_leases_of_running_jobs_are_extended(container, start):
    worker = start(endless)
    await add(container, job())
    await reached("running")
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))

    await worker._extend_leases()

    assert await claims.requeue_lost() == 0
    assert await states() == ["running"]


async def test_a_run_whose_job_another_worker_holds_is_cancelled(container, start):
    cancelled = asyncio.Event()

    async def work(_container, _payload):
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    before = metrics.counters["jobs_lost"]
    stalled = start(work)
    await add(container, job())
    await reached("running")
    await stalled._poll_task.close()
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))
    await claims.requeue_lost()
    await models.Job.all().update(run_at=clock.now())
    [held] = await claims.claim([claims.slots_of(ERASE, 1)], 1)

    await stalled._extend_leases()
    await asyncio.wait_for(cancelled.wait(), WAIT_S)

    await until(lambda: not stalled._runs, WAIT_S)
    assert metrics.counters["jobs_lost"] == before + 1
    row = await models.Job.get()
    assert (row.state, row.lease, row.attempts) == ("running", held.lease, 2)


async def test_a_worker_that_claims_its_own_job_again_cancels_the_first_run(container, start, limits, caplog):
    """Its lease expired while the process was stalled: neither run may free the slot of the other."""
    limits(concurrency=2)
    runs, cancelled = [], []

    async def work(_container, _payload):
        runs.append(asyncio.Event())
        number = len(runs)
        try:
            await runs[-1].wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise

    worker = start(work)
    await add(container, job())
    await until(lambda: len(runs) == 1, WAIT_S)
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))
    await claims.requeue_lost()
    await models.Job.all().update(run_at=clock.now())
    worker._wake.set()
    await until(lambda: len(runs) == 2 and cancelled == [1], WAIT_S)
    await until(lambda: len(worker._runs) == 1, WAIT_S)

    assert await states() == ["running"]
    runs[1].set()

    await reached("done")
    await until(lambda: not worker._runs, WAIT_S)
    assert (await models.Job.get()).attempts == 2
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_after_a_stall_a_worker_gives_the_others_time_to_extend_their_leases(container, start):
    stalled = start({})
    await add(container, job())
    await claims.claim([claims.slots_of(ERASE, 1)], 1)
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))

    stalled._lost_checked_at -= 3 * module.LOST_INTERVAL_S
    await stalled._requeue_lost()
    assert await states() == ["running"]

    await stalled._requeue_lost()
    assert await states() == ["ready"]


async def test_a_worker_follows_a_clock_that_goes_back(start):
    async def work(_container, _payload):
        pass

    later, payload = clock.now() + timedelta(hours=1), f'{{"user_id":"{UUID(int=7)}"}}'
    await store("account.erase", payload, later)
    worker = start(work)
    await worker._requeue_lost()  # the clock went back before it started
    await reached("done")
    await store("account.erase", payload, later)
    await worker._requeue_lost()
    assert await states() == ["done", "ready"]

    worker._clock_ahead_s += 60.0
    await worker._requeue_lost()

    await reached("done", "done")
