"""A worker takes jobs, reports their results, and stops without losing any."""

import asyncio
from uuid import UUID

import msgspec
import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount
from hubbub.services.jobs import kinds, queue
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker
from tests.support.waiting import until

WAIT_S = 20.0


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


def job(number=0):
    return EraseAccount(user_id=UUID(int=7), after=number)


async def add(container, payload):
    async with database.transaction() as tx:
        await queue.enqueue(tx, payload)
    container.bus.publish(JobsWaiting())


async def states() -> list[str]:
    return [job.state for job in await models.Job.all().order_by("id")]


async def test_jobs_run_a_few_at_a_time(container):
    done, at_once, most = [], 0, 0

    async def work(_parts, job):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        done.append(job.after)
        at_once -= 1

    for number in range(30):
        await add(container, job(number))
    worker = Worker(container, {EraseAccount: work})
    worker.start()

    async def all_done():
        return await states() == ["done"] * 30

    await until(all_done, WAIT_S)
    await worker.close()
    assert sorted(done) == list(range(30))
    assert most <= module.MAX_CONCURRENT_JOBS


async def store(kind, payload="{}"):
    """A job as another release may have stored it."""
    now = clock.now()
    await models.Job.create(
        queue="default", kind=kind, payload=payload, state="ready", run_at=now, created_at=now
    )


async def test_a_failure_affects_no_other_job(container):
    outcomes = [OSError("no route"), kinds.PermanentFailure("nobody there"), None]

    async def work(_parts, job):
        if (error := outcomes[job.after]) is not None:
            raise error

    worker = Worker(container, {EraseAccount: work})
    worker.start()
    await add(container, job(0))
    await add(container, job(1))
    await store("unheard of")
    await store("account.erase", '{"user_id":7}')
    await add(container, job(2))

    async def settled():
        return await states() == ["ready", "dead", "ready", "dead", "done"]

    await until(settled, WAIT_S)
    await worker.close()
    assert [job.last_error for job in await models.Job.all().order_by("id")] == [
        "OSError: no route",
        "PermanentFailure: nobody there",
        "UnknownKind: This release has no kind of job 'unheard of'.",
        (
            "UndecodablePayload: The payload of account.erase does not decode: "
            "Expected `uuid`, got `int` - at `$.user_id`"
        ),
        None,
    ]
    assert (await models.Job.get(state="dead", attempts=1, payload='{"user_id":7}')).ended_at is not None


async def test_a_run_takes_no_longer_than_its_kind_allows(container, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", (kinds.KINDS[1]._replace(timeout_s=0.05, max_attempts=1),))

    async def endless(_parts, _job):
        await asyncio.Event().wait()

    await add(container, job())
    worker = Worker(container, {EraseAccount: endless})
    worker.start()

    async def dead():
        return await states() == ["dead"]

    await until(dead, WAIT_S)
    await worker.close()
    assert (await models.Job.get()).last_error == "TimeoutError: "


async def test_a_long_job_resumes_from_its_progress(container, monkeypatch):
    monkeypatch.setattr(kinds, "KINDS", (kinds.KINDS[1]._replace(max_attempts=3),))
    seen = []

    async def long(_parts, job):
        seen.append(job)
        if len(seen) < 10:
            raise queue.Unfinished(msgspec.structs.replace(job, after=len(seen)))

    await add(container, job())
    worker = Worker(container, {EraseAccount: long})
    worker.start()

    async def done():
        return await states() == ["done"]

    await until(done, WAIT_S)
    await worker.close()
    assert seen == [job(number) for number in range(10)]
    assert (await models.Job.get()).attempts == 1


async def test_an_unfinished_job_is_released(container, monkeypatch):
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)
    began = asyncio.Event()

    async def endless(_parts, _payload):
        began.set()
        await asyncio.Event().wait()

    await add(container, job())
    worker = Worker(container, {EraseAccount: endless})
    worker.start()
    await asyncio.wait_for(began.wait(), WAIT_S)

    await worker.close()

    assert await states() == ["ready"]
    assert await queue.has_due()
