"""A worker takes jobs, answers for them, and stops without losing any."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from hubbub import models
from hubbub.cli import offline
from hubbub.cluster.bus import JobsWaiting
from hubbub.services import database, jobs
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker

WAIT_S = 20.0


@pytest.fixture
async def parts(settings):
    async with offline.opened(settings) as parts:
        yield parts


async def add(parts, kind, **payload):
    async with database.transaction() as tx:
        await jobs.enqueue(tx, kind, payload)
    parts.bus.publish(JobsWaiting())


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - a database tells nobody
            await asyncio.sleep(0.02)


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
    await worker.start()

    async def all_done():
        return await states() == ["done"] * 30

    await until(all_done)
    await worker.close()
    assert sorted(done) == list(range(30))
    assert most <= module.AT_ONCE


async def test_a_failure_hurts_no_other_job(parts):
    async def broken(_parts, _payload):
        raise OSError("no route")

    async def hopeless(_parts, _payload):
        raise jobs.Hopeless("nobody there")

    async def fine(_parts, _payload):
        return

    worker = Worker(parts, {"broken": broken, "hopeless": hopeless, "fine": fine})
    await worker.start()
    for kind in ("broken", "hopeless", "unheard of", "fine"):
        await add(parts, kind)

    async def settled():
        return await states() == ["ready", "dead", "ready", "done"]

    await until(settled)
    await worker.close()
    said = [job.last_error for job in await models.Job.all().order_by("id")]
    assert said == ["OSError: no route", "Hopeless: nobody there", "KeyError: 'unheard of'", None]


async def test_what_is_not_finished_is_given_back(parts, monkeypatch):
    monkeypatch.setattr(module, "STOP_S", 0.1)
    began = asyncio.Event()

    async def endless(_parts, _payload):
        began.set()
        await asyncio.Event().wait()

    await add(parts, "endless")
    worker = Worker(parts, {"endless": endless})
    await worker.start()
    await asyncio.wait_for(began.wait(), WAIT_S)

    await worker.close()

    assert await states() == ["ready"]
    assert await jobs.waiting()
