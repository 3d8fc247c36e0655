"""A worker takes the jobs of its queues when they are due, and runs a limited number at a time."""

import asyncio
import threading
from uuid import UUID

import pytest

from hubbub import models
from hubbub.core import metrics
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, Queue, SendMail
from hubbub.services.jobs import queue
from hubbub.workers import run as run_module
from hubbub.workers import worker as module
from tests.support.waiting import until
from tests.workers.worker.jobs import WAIT_S, add, endless, job, reached, states


@pytest.mark.parametrize(("concurrency", "total"), [(3, 32), (8, 2)])
async def test_jobs_run_a_few_at_a_time(container, start, limits, monkeypatch, concurrency, total):
    monkeypatch.setattr(module, "MAX_CONCURRENT_JOBS", total)
    limits(concurrency=concurrency)
    done, at_once, most = [], 0, 0

    async def work(_container, job):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        done.append(job.after_seq)
        at_once -= 1

    for number in range(30):
        await add(container, job(number))
    start(work)

    await reached(*["done"] * 30)
    assert sorted(done) == list(range(30))
    assert most <= min(concurrency, total)


async def test_a_slow_kind_leaves_slots_for_the_others(container, start, limits):
    limits(concurrency=2)
    for number in range(4):
        await add(container, job(number))

    async def send(_container, _mail):
        pass

    start({EraseAccount: endless, SendMail: send})
    await add(container, SendMail(template="verify_email", user_id=UUID(int=7), context={}))

    await reached("running", "running", "ready", "ready", "done")


async def test_a_worker_runs_the_jobs_of_its_queues(container, start):
    async def work(_container, _payload):
        pass

    await add(container, job())
    await add(container, SendMail(template="verify_email", user_id=UUID(int=7), context={}))
    start({EraseAccount: work, SendMail: work}, [Queue.MAIL, Queue.PUSH])

    await reached("ready", "done")


async def test_a_job_is_found_without_a_signal(start):
    async def work(_container, _payload):
        pass

    start(work)
    async with database.transaction() as tx:
        await queue.enqueue(tx, job())

    await reached("done")


async def test_a_delayed_job_runs_when_it_is_due_and_not_at_the_next_poll(container, start, monkeypatch):
    monkeypatch.setattr(module, "POLL_INTERVAL_S", 60.0)

    async def work(_container, _payload):
        pass

    async with database.transaction() as tx:
        await queue.enqueue(tx, job(), delay=0.3)
    start(work)

    await reached("done")
    row = await models.Job.get()
    assert row.ended_at >= row.run_at


@pytest.mark.parametrize("cancellable", [True, False], ids=["ignores it", "in a thread"])
async def test_a_run_that_cannot_be_cancelled_is_counted_and_keeps_its_slot(
    container, start, limits, monkeypatch, cancellable
):
    monkeypatch.setattr(run_module, "CANCEL_TIMEOUT_S", 0.05)
    limits(timeout_s=0.05, concurrency=1, cancellable=cancellable)
    release, ended = threading.Event(), asyncio.Event()
    before = metrics.counters["jobs_overdue"]

    async def stubborn(_container, _payload):
        thread = asyncio.ensure_future(asyncio.to_thread(release.wait, WAIT_S))
        while not thread.done():
            try:
                await asyncio.shield(thread)
            except asyncio.CancelledError:
                assert cancellable
        ended.set()

    await add(container, job(0))
    await add(container, job(1))
    worker = start(stubborn)
    await until(lambda: metrics.counters["jobs_overdue"] == before + 1, WAIT_S)

    assert await states() == ["running", "ready"]
    assert worker._free_slots() == []
    await worker._poll_task.run_once()
    assert await states() == ["running", "ready"]

    release.set()
    await reached("done", "done")
    assert ended.is_set()
