"""A job is held by one worker at a time, retried after failures, and finally kept as failed."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, Priority, Queue, SendMail
from hubbub.services.jobs import claims, kinds, queue
from hubbub.services.jobs.kinds import Backoff, Kind
from hubbub.services.jobs.queue import NewJob

ERASE = EraseAccount(user_id=UUID(int=7), after_seq=1)
MAIL = SendMail(template="verify_email", user_id=UUID(int=7), context={})
FEW = Kind("account.erase", EraseAccount, Queue.MAINTENANCE, max_attempts=2, backoff=Backoff(1, 1))
MANY = Kind("mail.letter", SendMail, Queue.MAIL, max_attempts=4, backoff=Backoff(1000, 1000))


@pytest.fixture(autouse=True)
async def container(settings, monkeypatch):
    """Two kinds with different limits."""
    monkeypatch.setattr(kinds, "KINDS", (FEW, MANY))
    async with services_context.open_container(settings) as container:
        yield container


def slots(erase=10, mail=10):
    return [claims.slots_of(FEW, erase), claims.slots_of(MANY, mail)]


async def add(*jobs, **options):
    async with database.transaction() as tx:
        await queue.enqueue_all(tx, [NewJob(job, **options) for job in jobs])


async def claim(limit=10, **free):
    return await claims.claim(slots(**free), limit)


async def is_due():
    seconds = await claims.next_due_s(slots())
    return seconds is not None and seconds <= 0


async def rows():
    return await models.Job.all().order_by("id")


async def expire(**values):
    await models.Job.filter(state="running").update(leased_until=clock.now() - timedelta(seconds=1), **values)


async def make_due():
    await models.Job.filter(state="ready").update(run_at=clock.now() - timedelta(seconds=1))


# --- claims ---


async def test_each_job_is_claimed_by_one_worker():
    await add(*[ERASE] * 40)

    claimed = await asyncio.gather(*(claim() for _ in range(6)))

    ids = [job.id for some in claimed for job in some]
    assert len(ids) == len(set(ids))
    ids += [job.id for job in await claim(40, erase=40)]
    assert len(set(ids)) == 40
    assert not await is_due()


async def test_each_claim_has_its_own_lease():
    await add(ERASE, MAIL)

    first, second = [await claim(1) for _ in range(2)]

    assert first[0].lease != second[0].lease


async def test_no_more_jobs_of_a_kind_are_claimed_than_it_has_slots():
    await add(*[ERASE] * 5)
    await add(*[ERASE] * 5, priority=Priority.URGENT)
    await add(*[MAIL] * 5)

    claimed = await claim(6, erase=3, mail=10)

    assert sorted(job.kind for job in claimed) == ["account.erase"] * 3 + ["mail.letter"] * 3
    assert len(await claim(6, mail=1)) == 6


async def test_urgent_jobs_run_first_then_the_oldest():
    await add(MAIL, priority=Priority.BULK)
    await add(ERASE, ERASE)
    await add(MAIL, priority=Priority.URGENT)
    stored = [job.id for job in await rows()]

    claimed = [job.id for job in await claim()]

    assert claimed[0] == stored[3]
    assert set(claimed[1:3]) == set(stored[1:3])
    assert claimed[3] == stored[0]


async def test_a_delayed_job_is_not_claimed_early():
    await add(ERASE, delay=3600)

    assert 3590 < await claims.next_due_s(slots()) <= 3600
    assert await claim() == []


async def test_without_a_job_none_is_due():
    assert await claims.next_due_s(slots()) is None
    assert await claim() == []


async def test_jobs_of_other_kinds_and_of_newer_versions_are_left_to_other_workers():
    await add(ERASE, MAIL)
    await models.Job.filter(kind="account.erase").update(version=2)

    assert [job.kind for job in await claim()] == ["mail.letter"]
    assert await claims.next_due_s([claims.slots_of(MANY, 1)]) is None
    assert not await is_due()


async def test_a_paused_queue_is_not_claimed():
    await add(ERASE, MAIL)
    await models.JobQueue.create(name="mail", paused=True)
    await models.JobQueue.create(name="maintenance", paused=False)

    assert [job.kind for job in await claim()] == ["account.erase"]
    assert not await is_due()

    await models.JobQueue.filter(name="mail").update(paused=False)
    assert await is_due()
    assert [job.kind for job in await claim()] == ["mail.letter"]


# --- outcomes ---


async def test_a_failed_job_is_retried_and_finally_kept_as_failed():
    await add(MAIL)
    for attempt in range(1, MANY.max_attempts + 1):
        await make_due()
        [job] = await claim()
        assert job.attempts == attempt
        assert claims.is_dead(job, OSError()) == (attempt == MANY.max_attempts)
        await claims.fail(job, OSError("no route\x00\ud800"))
        assert not await is_due()
    [row] = await rows()
    assert (row.state, row.last_error) == ("dead", "OSError: no route?")
    assert row.ended_at is not None


async def test_the_delay_of_a_retry_is_that_of_the_kind_or_of_the_error():
    await add(ERASE, MAIL, ERASE)
    for job, error in zip(
        sorted(await claim(), key=lambda job: job.id),
        (OSError(), OSError(), kinds.RetryLater(99, "busy")),
        strict=True,
    ):
        await claims.fail(job, error)

    delays = [(job.run_at - clock.now()).total_seconds() for job in await rows()]
    assert delays[0] <= 1
    assert 490 < delays[1] <= 1000
    assert 90 < delays[2] <= 99


async def test_a_permanently_failed_job_is_not_retried():
    await add(MAIL)
    [job] = await claim()

    await claims.fail(job, kinds.PermanentFailure("no such account"))

    assert (await rows())[0].state == "dead"


async def test_each_kind_has_its_own_number_of_attempts():
    await add(ERASE, MAIL)
    await models.Job.all().update(attempts=1)

    for job in await claim():
        await claims.fail(job, OSError())

    assert [job.state for job in await rows()] == ["dead", "ready"]


async def test_progress_is_kept_and_counts_as_no_attempt():
    await add(ERASE)
    [job] = await claim()

    await claims.save_progress(job, EraseAccount(user_id=UUID(int=7), after_seq=9))

    [again] = await claim()
    assert (again.id, again.attempts) == (job.id, 1)
    assert kinds.decode(FEW, again.payload) == EraseAccount(user_id=UUID(int=7), after_seq=9)


async def test_a_stopping_worker_releases_its_job_and_the_run_is_no_attempt():
    await add(ERASE)
    [job] = await claim()

    await claims.release(job)

    assert [again.attempts for again in await claim()] == [1]


async def test_jobs_are_marked_as_done_at_once_each_by_its_own_lease():
    await add(ERASE, ERASE, MAIL, MAIL)
    first, second, third = await claim(2), await claim(1), await claim(1)
    strange = third[0]._replace(lease=second[0].lease)

    await claims.finish_all([*first, *second, strange])

    states = {job.id: job.state for job in await rows()}
    assert [states[job.id] for job in (*first, *second, *third)] == ["done"] * 3 + ["running"]


# --- leases ---


async def test_a_lease_is_extended_while_a_job_runs():
    await add(ERASE, ERASE, MAIL)
    first, second = await claim(2)
    await expire()

    assert await claims.extend({first.lease, second.lease}) == {first.id, second.id}
    assert await claims.extend([]) == set()
    assert await claims.extend([uuid4()]) == set()

    assert await claims.requeue_lost() == 0
    assert len(await claim()) == 1


async def test_the_job_of_a_lost_worker_runs_again_at_once_and_later_with_a_back_off():
    await add(MAIL)
    for attempts in (1, 2, 3):
        [job] = await claim()
        assert job.attempts == attempts
        assert await claims.requeue_lost() == 0
        await expire()
        assert await claims.requeue_lost() == 1
        assert await is_due() == (attempts < 3)
    await make_due()

    [again] = await claim()
    assert (again.id, again.attempts) == (job.id, 4)


async def test_only_the_lease_that_holds_a_job_stores_its_outcome():
    await add(MAIL)
    [lost] = await claim()
    await expire()
    await claims.requeue_lost()
    await make_due()
    [held] = await claim()

    assert await claims.extend([lost.lease]) == set()
    await claims.finish(lost)
    await claims.fail(lost, OSError("late"))
    await claims.fail(lost, kinds.PermanentFailure("late"))
    await claims.save_progress(lost, MAIL)
    await claims.release(lost)
    [row] = await rows()
    assert (row.state, row.lease, row.attempts) == ("running", held.lease, 2)

    await claims.finish(held)
    assert (await rows())[0].state == "done"


async def test_a_job_that_kills_its_workers_is_finally_kept_as_failed():
    await add(ERASE, MAIL)
    await claim()
    await expire(attempts=2)

    assert await claims.requeue_lost() == 2

    assert [job.state for job in await rows()] == ["dead", "ready"]
    assert [job.last_error for job in await rows()] == [claims.LOST_TEXT] * 2


async def test_two_workers_requeue_a_lost_job_once():
    await add(*[MAIL] * 20)
    await claim(20, mail=20)
    await expire()

    assert sum(await asyncio.gather(*(claims.requeue_lost() for _ in range(4)))) == 20


@pytest.mark.parametrize("database_kind", ["postgres"])  # with SQLite there is one machine
@pytest.mark.parametrize("seconds", [-60, 60])
async def test_a_worker_with_another_clock_takes_a_new_job_at_once_and_no_job_twice(monkeypatch, seconds):
    real = clock.now
    await add(ERASE)
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(seconds=seconds))
    assert await is_due()
    [job] = await claim()
    await claims.extend([job.lease])
    monkeypatch.setattr(clock, "now", lambda: real() - timedelta(seconds=seconds))

    assert not await is_due()
    assert await claims.requeue_lost() == 0
    assert await claim() == []

    await claims.release(job)
    assert [job.id for job in await claim()] == [job.id]


# --- a clock that goes back ---


async def test_after_the_clock_went_back_new_jobs_keep_their_delay_and_leases_their_length(monkeypatch):
    monkeypatch.setattr(claims, "MAX_CORRECTED_JOBS", 2)
    ahead = timedelta(hours=5)
    await add(ERASE, ERASE, ERASE)
    await add(ERASE, delay=100)
    await add(MAIL)
    await claim(1, erase=0)
    for job in await models.Job.all():
        await models.Job.filter(id=job.id).update(
            run_at=job.run_at + ahead,
            created_at=job.created_at + ahead,
            leased_until=job.leased_until and job.leased_until + ahead,
        )
    await add(ERASE, delay=200)
    assert not await is_due()

    for _ in range(2):
        await claims.follow_clock()

    now = clock.now()
    delays = [
        (job.run_at - now).total_seconds() for job in await models.Job.filter(state="ready").order_by("id")
    ]
    assert [round(seconds, -1) for seconds in delays] == [0, 0, 0, 100, 200]
    [running] = await models.Job.filter(state="running")
    assert 20 < (running.leased_until - now).total_seconds() <= claims.LEASE_S
    assert len(await claim()) == 3
