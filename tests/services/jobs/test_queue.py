"""Durable jobs: stored with the change, once for each unique key, and cancelled before they run."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, Priority
from hubbub.services.context import Context
from hubbub.services.jobs import claims, kinds, queue
from hubbub.services.jobs.queue import NewJob

JOB = EraseAccount(user_id=UUID(int=7), after_seq=1)


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
def ctx(container):
    return Context(container, uuid4())


async def keys():
    return sorted([job.unique_key for job in await models.Job.all()])


async def test_a_job_is_stored_with_its_transaction_or_not_at_all(ctx):
    async def broken():
        async with ctx.unit() as unit:
            await unit.enqueue(JOB)
            raise LookupError

    with pytest.raises(LookupError):
        await broken()
    assert not await models.Job.exists()

    async with ctx.unit() as unit:
        job_id = await unit.enqueue(JOB)

    row = await models.Job.get()
    assert (row.id, row.kind, row.queue, row.state) == (job_id, "account.erase", "maintenance", "ready")
    assert (row.version, row.priority, row.attempts) == (1, Priority.BULK, 0)
    assert kinds.decode(kinds.named(row.kind), row.payload) == JOB


async def test_a_delayed_job_is_due_later(ctx):
    async with ctx.unit() as unit:
        await unit.enqueue(JOB, delay=60, priority=Priority.URGENT)

    row = await models.Job.get()
    assert row.run_at - row.created_at == timedelta(seconds=60)
    assert row.priority == Priority.URGENT


async def test_a_unique_key_is_held_until_the_job_ends(ctx):
    slots = [claims.slots_of(kinds.of(JOB), 1)]

    async def add():
        async with ctx.unit() as unit:
            return await unit.enqueue(JOB, unique_key="one")

    assert await add() is not None
    assert await add() is None
    [job] = await claims.claim(slots, 1)
    assert await add() is None

    await claims.finish(job)

    assert await add() is not None


async def test_many_jobs_are_stored_at_once_each_key_once(ctx):
    new = [NewJob(JOB, unique_key=f"key {number % 50:02}", delay=number) for number in range(60)]

    async with ctx.unit() as unit:
        await unit.enqueue_all(new)
        await unit.enqueue_all([])

    assert await keys() == [f"key {number:02}" for number in range(50)]


async def test_two_transactions_with_the_same_keys_do_not_deadlock(ctx):
    new = [NewJob(JOB, unique_key=f"key {number:02}") for number in range(60)]

    async def add(jobs):
        async with ctx.unit() as unit:
            await unit.enqueue_all(jobs)

    async with asyncio.timeout(20):
        await asyncio.gather(*(add(new if number % 2 else new[::-1]) for number in range(8)))

    assert len(await keys()) == 60


async def test_a_job_is_cancelled_by_its_key_unless_it_runs(ctx):
    slots = [claims.slots_of(kinds.of(JOB), 1)]
    async with ctx.unit() as unit:
        await unit.enqueue(JOB, unique_key="runs")
    await claims.claim(slots, 1)
    async with ctx.unit() as unit:
        await unit.enqueue_all([NewJob(JOB, unique_key="waits"), NewJob(JOB, 60, "delayed"), NewJob(JOB)])

    async with ctx.unit() as unit:
        assert await unit.cancel_jobs() == 0
        assert await unit.cancel_jobs("runs", "waits", "delayed", "unknown") == 2

    assert [(job.unique_key, job.state) for job in await models.Job.all().order_by("id")] == [
        ("runs", "running"),
        (None, "ready"),
    ]


async def test_a_statement_that_stores_a_job_needs_six_columns(container):
    now = clock.now()
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO jobs (id, queue, kind, payload, run_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            *(UUID(int=1), "maintenance", "account.erase", f'{{"user_id":"{UUID(int=7)}"}}', now, now),
        )

    [job] = await claims.claim([claims.slots_of(kinds.of(JOB), 1)], 1)

    assert kinds.decode(kinds.of(JOB), job.payload, job.version) == EraseAccount(user_id=UUID(int=7))
    assert (await models.Job.get()).priority == Priority.NORMAL


@pytest.mark.parametrize("database_kind", ["postgres"])  # with SQLite there is one machine
@pytest.mark.parametrize("seconds", [-60, 60])
async def test_a_job_of_a_machine_with_another_clock_is_due_at_once(container, monkeypatch, seconds):
    real = clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))
    async with database.transaction() as tx:
        await queue.enqueue(tx, JOB)
    monkeypatch.setattr(clock, "now", real)

    assert len(await claims.claim([claims.slots_of(kinds.of(JOB), 1)], 1)) == 1
