"""Durable jobs: stored with the change, taken by one worker, retried, kept."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database, locking
from hubbub.schemas.jobs import EraseAccount, SendMail
from hubbub.services.context import Context
from hubbub.services.jobs import kinds, queue

JOB = EraseAccount(user_id=UUID(int=7), after=1)
ATTEMPTS = kinds.DEFAULT_MAX_ATTEMPTS
SHORT = kinds.Kind("account.erase", EraseAccount, queue="maintenance", max_attempts=2, lease_s=5)
LONG = kinds.Kind("mail.letter", SendMail, queue="mail", max_attempts=4, lease_s=500)


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def add(**more):
    async with database.transaction() as tx:
        return await queue.enqueue(tx, JOB, **more)


async def row():
    return await models.Job.get()


async def test_a_job_is_stored_with_its_transaction_or_not_at_all(container):
    ctx = Context(container, uuid4())

    async def broken():
        async with ctx.unit() as unit:
            await unit.enqueue(JOB)
            raise LookupError

    with pytest.raises(LookupError):
        await broken()
    assert not await models.Job.exists()

    async with ctx.unit() as unit:
        await unit.enqueue(JOB)

    assert await queue.has_due()
    [job] = await queue.claim(uuid4(), 10)
    assert (job.kind, job.attempts) == ("account.erase", 1)
    assert kinds.decode(kinds.named(job.kind), job.payload) == JOB
    assert (await row()).queue == "maintenance"
    assert not await queue.has_due()


async def test_each_job_is_taken_by_one_worker(container):
    for _ in range(40):
        await add()

    taken = await asyncio.gather(*(queue.claim(uuid4(), 10) for _ in range(6)))

    ids = [job.id for some in taken for job in some]
    assert len(ids) == len(set(ids))
    ids += [job.id for job in await queue.claim(uuid4(), 40)]
    assert len(set(ids)) == 40


async def test_a_unique_key_is_held_until_the_job_ends(container):
    lease = uuid4()
    assert await add(unique="one")
    assert not await add(unique="one")
    [job] = await queue.claim(lease, 10)
    assert not await add(unique="one")

    await queue.finish(lease, job)

    assert await add(unique="one")


async def test_a_scheduled_job_is_not_taken_early(container):
    await add(run_at=clock.now() + timedelta(hours=1))

    assert not await queue.has_due()
    assert await queue.claim(uuid4(), 10) == []


async def test_a_failed_job_is_retried_and_finally_kept_as_failed(container):
    await add()
    lease = uuid4()
    for attempt in range(1, ATTEMPTS + 1):
        await models.Job.all().update(run_at=clock.now() - timedelta(seconds=1))
        [job] = await queue.claim(lease, 10)
        assert job.attempts == attempt
        assert await queue.fail(lease, job, OSError("no route\x00")) == (attempt == ATTEMPTS)
    assert ((await row()).state, (await row()).last_error) == ("dead", "OSError: no route")
    assert not await queue.has_due()


async def test_a_permanently_failed_job_is_not_retried(container):
    await add()
    lease = uuid4()
    [job] = await queue.claim(lease, 10)

    assert await queue.fail(lease, job, kinds.PermanentFailure("nobody there"))

    assert (await row()).state == "dead"


def test_retry_delays_grow_and_differ():
    for attempt in range(1, ATTEMPTS + 1):
        waits = {queue.retry_delay_s(attempt) for _ in range(50)}
        longest = min(queue.MIN_RETRY_DELAY_S * 2 ** (attempt - 1), queue.MAX_RETRY_DELAY_S)
        assert len(waits) > 1
        assert longest / 2 <= min(waits) <= max(waits) <= longest


async def test_jobs_of_a_lost_worker_are_taken_again(container):
    lost, other = uuid4(), uuid4()
    await add()
    [job] = await queue.claim(lost, 10)
    assert await queue.claim(other, 10) == []
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))
    assert await queue.has_due()

    [again] = await queue.claim(other, 10)

    assert (again.id, again.attempts) == (job.id, 2)
    await queue.finish(lost, job)  # too late: it is another's
    assert (await row()).state == "running"
    await queue.finish(other, again)
    assert (await row()).state == "done"


async def test_a_job_that_kills_its_workers_is_finally_kept_as_failed(container):
    await add()
    await queue.claim(uuid4(), 10)
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1), attempts=ATTEMPTS)

    assert await queue.claim(uuid4(), 10) == []

    assert ((await row()).state, (await row()).last_error) == ("dead", "The worker was lost.")


async def test_heartbeats_keep_a_lease(container):
    lease = uuid4()
    await add()
    await queue.claim(lease, 10)
    before = (await row()).leased_until

    await queue.extend_lease(lease)

    assert (await row()).leased_until > before


async def test_a_stopping_worker_releases_its_jobs(container):
    lease = uuid4()
    await add()
    [job] = await queue.claim(lease, 10)

    await queue.release(lease, job)

    assert await queue.has_due()


async def test_finished_jobs_are_deleted_after_a_while(container, monkeypatch):
    monkeypatch.setattr(locking, "MAX_LOCKED_ROWS", 2)
    lease = uuid4()
    for _ in range(6):
        await add()
    for number, job in enumerate(await queue.claim(lease, 10)):
        if number < 5:
            await queue.finish(lease, job)
        else:
            await queue.fail(lease, job, kinds.PermanentFailure())
    await queue.purge(30)
    assert await models.Job.all().count() == 6

    await models.Job.all().update(ended_at=clock.now() - timedelta(days=2))
    await queue.purge(30)
    assert [job.state for job in await models.Job.all()] == ["dead"]

    await models.Job.all().update(ended_at=clock.now() - timedelta(days=31))
    await queue.purge(30)
    assert not await models.Job.exists()


@pytest.mark.parametrize("database_kind", ["postgres"])  # with SQLite there is one machine
@pytest.mark.parametrize("seconds", [-60, -1, 1, 60])
async def test_a_worker_with_another_clock_takes_a_new_job_at_once_and_no_job_twice(
    container, monkeypatch, seconds
):
    real, lease = clock.now, uuid4()
    await add()
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))
    assert await queue.has_due()
    [job] = await queue.claim(lease, 10)
    await queue.extend_lease(lease)
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(seconds=seconds))

    assert not await queue.has_due()
    assert await queue.claim(uuid4(), 10) == []

    await queue.release(lease, job)
    assert [job.id for job in await queue.claim(uuid4(), 10)] == [job.id]


@pytest.fixture
def two_kinds(monkeypatch):
    """Two kinds with different limits."""
    monkeypatch.setattr(kinds, "KINDS", (SHORT, LONG))


async def add_two():
    async with database.transaction() as tx:
        await queue.enqueue(tx, JOB)
        await queue.enqueue(tx, SendMail(template="verify_email", user_id=UUID(int=7), context={}))


@pytest.mark.usefixtures("two_kinds")
async def test_each_kind_has_its_own_lease(container):
    lease = uuid4()
    await add_two()

    await queue.claim(lease, 10)
    claimed = [job.leased_until - clock.now() for job in await models.Job.all().order_by("id")]
    await queue.extend_lease(lease)
    extended = [job.leased_until - clock.now() for job in await models.Job.all().order_by("id")]

    for short, long in (claimed, extended):
        assert timedelta(0) < short <= timedelta(seconds=6)
        assert timedelta(seconds=400) < long <= timedelta(seconds=501)


@pytest.mark.usefixtures("two_kinds")
async def test_each_kind_has_its_own_number_of_attempts(container):
    await add_two()
    await queue.claim(uuid4(), 10)
    await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1), attempts=2)

    again = await queue.claim(uuid4(), 10)

    assert [(job.kind, job.attempts) for job in again] == [("mail.letter", 3)]
    assert [job.state for job in await models.Job.all().order_by("id")] == ["dead", "running"]


@pytest.mark.usefixtures("two_kinds")
async def test_a_failed_attempt_counts_by_the_limit_of_its_kind(container):
    await add_two()
    lease = uuid4()
    await models.Job.all().update(attempts=1)

    dead = {job.kind: await queue.fail(lease, job, OSError("x")) for job in await queue.claim(lease, 10)}

    assert dead == {"account.erase": True, "mail.letter": False}
