"""A worker takes jobs, answers for them, and stops without losing any."""

import asyncio

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.cluster.bus import JobsWaiting
from hubbub.db import database
from hubbub.services.jobs import queue
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker
from tests.support.waiting import until

WAIT_S = 20.0


@pytest.fixture
async def parts(settings):
    async with services_context.open_container(settings) as parts:
        yield parts


async def add(parts, kind, **payload):
    async with database.transaction() as tx:
        await queue.enqueue(tx, kind, payload)
    parts.bus.publish(JobsWaiting())


async def states() -> list[str]:
    return [job.state for job in await models.Job.all().order_by("id")]


async def test_jobs_are_done_a_few_at_a_time(parts):
    done, at_once, most = [], 0, 0

    async def work(_parts, payload):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        done.append(payload["number"])
        at_once -= 1

    for number in range(30):
        await add(parts, "test", number=number)
    worker = Worker(parts, {"test": work})
    worker.start()

    async def all_done():
        return await states() == ["done"] * 30

    await until(all_done, WAIT_S)
    await worker.close()
    assert sorted(done) == list(range(30))
    assert most <= module.MAX_CONCURRENT_JOBS


async def test_a_failure_hurts_no_other_job(parts):
    async def broken(_parts, _payload):
        raise OSError("no route")

    async def hopeless(_parts, _payload):
        raise queue.PermanentFailure("nobody there")

    async def fine(_parts, _payload):
        return

    worker = Worker(parts, {"broken": broken, "hopeless": hopeless, "fine": fine})
    worker.start()
    for kind in ("broken", "hopeless", "unheard of", "fine"):
        await add(parts, kind)

    async def settled():
        return await states() == ["ready", "dead", "ready", "done"]

    await until(settled, WAIT_S)
    await worker.close()
    said = [job.last_error for job in await models.Job.all().order_by("id")]
    assert said == ["OSError: no route", "PermanentFailure: nobody there", "KeyError: 'unheard of'", None]


async def test_a_long_job_goes_on_from_where_it_came_to(parts, monkeypatch):
    monkeypatch.setattr(queue, "MAX_ATTEMPTS", 3)
    seen = []

    async def long(_parts, payload):
        seen.append(payload)
        if len(seen) < 10:
            raise queue.Unfinished({**payload, "after": len(seen)})

    await add(parts, "long", name="x")
    worker = Worker(parts, {"long": long})
    worker.start()

    async def done():
        return await states() == ["done"]

    await until(done, WAIT_S)
    await worker.close()
    assert seen == [{"name": "x"}, *({"name": "x", "after": number} for number in range(1, 10))]
    assert (await models.Job.get()).attempts == 1


async def test_what_is_not_finished_is_given_back(parts, monkeypatch):
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)
    began = asyncio.Event()

    async def endless(_parts, _payload):
        began.set()
        await asyncio.Event().wait()

    await add(parts, "endless")
    worker = Worker(parts, {"endless": endless})
    worker.start()
    await asyncio.wait_for(began.wait(), WAIT_S)

    await worker.close()

    assert await states() == ["ready"]
    assert await queue.has_due()
