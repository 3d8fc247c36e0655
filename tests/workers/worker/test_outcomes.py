"""A worker stores the outcome of each run, and ends or releases its jobs before it stops."""

import asyncio

import msgspec

from hubbub import models
from hubbub.core import metrics
from hubbub.services.jobs import claims, kinds
from hubbub.workers import worker as module
from tests.support.waiting import until
from tests.workers.worker.jobs import ERASE, WAIT_S, add, endless, job, reached, states, store


async def test_a_failure_affects_no_other_job(container, start):
    outcomes = [OSError("no route"), kinds.PermanentFailure("no account"), None]

    async def work(_container, job):
        if (error := outcomes[job.after_seq]) is not None:
            raise error

    start(work)
    await add(container, job(0))
    await add(container, job(1))
    await store("unknown")
    await store("account.erase", '{"user_id":7}')
    await add(container, job(2))

    await reached("ready", "dead", "ready", "dead", "done")
    assert [job.last_error for job in await models.Job.all().order_by("id")] == [
        "OSError: no route",
        "PermanentFailure: no account",
        None,
        (
            "UndecodablePayload: The payload of account.erase does not decode: "
            "Expected `uuid`, got `int` - at `$.user_id`"
        ),
        None,
    ]
    assert (await models.Job.get(kind="unknown")).attempts == 0
    assert (await models.Job.get(state="dead", attempts=1, payload='{"user_id":7}')).ended_at is not None


async def test_a_handler_that_cancels_itself_has_failed(container, start, limits):
    limits(max_attempts=1)

    async def work(_container, _payload):
        raise asyncio.CancelledError

    await add(container, job())
    start(work)

    await reached("dead")
    assert (await models.Job.get()).last_error == "RuntimeError: The handler cancelled itself."


async def test_a_run_over_its_time_limit_is_cancelled(container, start, limits):
    limits(timeout_s=0.05, max_attempts=1)
    await add(container, job())
    start(endless)

    await reached("dead")
    assert (await models.Job.get()).last_error == "TimeoutError: The run took longer than 0.05 s."


async def test_an_outcome_that_cannot_be_stored_is_counted_and_frees_the_slot(
    container, start, monkeypatch, caplog
):
    async def broken(_job, _error):
        raise ValueError("no such column")

    async def work(_container, _payload):
        raise OSError("no route")

    before = metrics.counters["jobs_lost"]
    monkeypatch.setattr(claims, "fail", broken)
    worker = start(work)
    await add(container, job())

    await until(lambda: metrics.counters["jobs_lost"] == before + 1, WAIT_S)
    assert not worker._runs
    assert await states() == ["running"]
    assert "the outcome of a job was not stored" in caplog.text


async def test_a_long_job_resumes_from_its_progress(container, start, limits):
    limits(max_attempts=3)
    seen = []

    async def long(_container, job):
        seen.append(job)
        if len(seen) < 10:
            raise kinds.Unfinished(msgspec.structs.replace(job, after_seq=len(seen)))

    await add(container, job())
    start(long)

    await reached("done")
    assert seen == [job(number) for number in range(10)]
    assert (await models.Job.get()).attempts == 1


# --- the end of a worker ---


async def test_an_unfinished_job_is_released(container, start, monkeypatch):
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)
    await add(container, job())
    worker = start(endless)
    await reached("running")

    await worker.close()

    row = await models.Job.get()
    assert (row.state, row.attempts, row.lease) == ("ready", 0, None)
    assert await claims.next_due_s([claims.slots_of(ERASE, 1)]) <= 0


async def test_running_jobs_end_before_the_worker(container, start):
    began, finish = asyncio.Event(), asyncio.Event()

    async def work(_container, _payload):
        began.set()
        await finish.wait()

    await add(container, job())
    worker = start(work)
    await asyncio.wait_for(began.wait(), WAIT_S)
    closing = asyncio.ensure_future(worker.close())
    await add(container, job())
    finish.set()
    await closing

    assert await states() == ["done", "ready"]
