"""A worker takes jobs, runs them within their limits, reports their results, and stops without losing any."""

import asyncio
import threading
from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock, metrics
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount, Queue, SendMail
from hubbub.services.jobs import claims, kinds, queue
from hubbub.workers import run as run_module
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker
from tests.support.waiting import until

WAIT_S = 5.0
ERASE = kinds.named("account.erase")
MAIL = kinds.named("mail.letter")


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def start(container, monkeypatch):
    """Starts workers: `start(work)` or `start({EraseAccount: work}, queues)`."""
    started = []

    def begin(handlers, *queues):
        worker = Worker(container, {EraseAccount: handlers} if callable(handlers) else handlers, *queues)
        worker.start()
        started.append(worker)
        return worker

    yield begin
    monkeypatch.setattr(module, "STOP_TIMEOUT_S", 0.1)  # for the jobs that never end
    for worker in started:
        await worker.close()


@pytest.fixture
def limits(monkeypatch):
    """Changes the limits of the kind `account.erase`."""

    def change(**values):
        monkeypatch.setattr(kinds, "KINDS", (MAIL, ERASE._replace(**values)))

    return change


def job(number=0):
    return EraseAccount(user_id=UUID(int=7), after_seq=number)


async def add(container, payload):
    async with database.transaction() as tx:
        await queue.enqueue(tx, payload)
    container.bus.publish(JobsWaiting())


async def states() -> list[str]:
    return [job.state for job in await models.Job.all().order_by("id")]


async def reached(*wanted: str) -> None:
    async def there():
        return await states() == list(wanted)

    await until(there, WAIT_S)


async def endless(_container, _payload):
    await asyncio.Event().wait()


async def store(kind, payload="{}", at=None):
    """Store a job as another release, or a machine with another clock, may have stored it."""
    at = at or clock.now()
    await models.Job.create(queue="default", kind=kind, payload=payload, run_at=at, created_at=at)


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


# --- leases ---


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
