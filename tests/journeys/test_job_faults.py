"""A worker is killed at every step of a job, and the database is unavailable while a job runs (G12)."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock, metrics
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount
from hubbub.services.jobs import queue
from hubbub.workers import worker as module
from hubbub.workers.worker import Worker
from tests.support.sqlite_lock import write_lock
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import until

WAIT_S = 30.0
LEASE_S = 1.0
JOB = EraseAccount(user_id=UUID(int=7))

# A worker whose process dies at a step. What it does outside the database are two lines in a file.
DYING_WORKER = """
import asyncio, os, signal, sys
from hubbub.cli import services_context
from hubbub.config import load
from hubbub.schemas.jobs import EraseAccount
from hubbub.workers import worker as module

step, path = sys.argv[1:]
claim, finish = module.claims.claim, module.claims.finish_all

def die(at):
    if at == step:
        os.kill(os.getpid(), signal.SIGKILL)

def write(text):
    with open(path, "a") as file:
        file.write(text)

async def dying_claim(*arguments):
    claimed = await claim(*arguments)
    die("claimed")
    return claimed

async def dying_finish(jobs):
    die("unmarked")
    await finish(jobs)
    die("marked")

async def work(_container, _job):
    die("begun")
    write("one ")
    die("during")
    write("two ")

module.claims.claim, module.claims.finish_all = dying_claim, dying_finish

async def main():
    async with services_context.open_container(load()) as container:
        module.Worker(container, {EraseAccount: work}).start()
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def add():
    async with database.transaction() as tx:
        await queue.enqueue(tx, JOB)


async def done():
    return (await models.Job.get()).state == "done"


@pytest.mark.parametrize(
    ("step", "before", "after"),
    [
        ("claimed", "", "one two "),
        ("begun", "", "one two "),
        ("during", "one ", "one one two "),
        ("unmarked", "one two ", "one two one two "),
        ("marked", "one two ", "one two "),
    ],
)
async def test_a_job_is_done_at_least_once_whenever_its_worker_is_killed(
    settings, tmp_path, monkeypatch, step, before, after
):
    monkeypatch.setattr(module, "LOST_INTERVAL_S", 0.05)
    effects = tmp_path / "effects"
    effects.write_text("")
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")},
        "HUBBUB_ENV": "test",
        "HUBBUB_DATA_DIR": str(settings.data_dir),
        "HUBBUB_DATABASE_URL": settings.database_url,
    }

    async def work(_container, _job):
        effects.write_text(effects.read_text() + "one two ")

    async with services_context.open_container(settings) as container:
        await add()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", DYING_WORKER, step, str(effects)), env=environment, cwd=tmp_path
        )
        assert await asyncio.wait_for(process.wait(), WAIT_S) == -signal.SIGKILL
        assert effects.read_text() == before
        assert (await models.Job.get()).state == ("done" if step == "marked" else "running")

        await models.Job.filter(state="running").update(leased_until=clock.now() - timedelta(seconds=1))
        worker = Worker(container, {EraseAccount: work})
        worker.start()
        await until(done, WAIT_S)
        await worker.close()

    assert effects.read_text() == after


@asynccontextmanager
async def breakable(settings):
    """Settings of a database that can be made unavailable, a function that does so, and one that ends it."""
    if settings.uses_sqlite:
        async with write_lock(settings) as lock:
            yield settings, lock.acquire, lock.release
        return
    async with TcpProxy(settings.database_url) as proxy:
        yield settings.model_copy(update={"database_url": proxy.url}), proxy.stop, proxy.start


async def test_a_job_that_ends_while_the_database_is_unavailable_is_done_once(settings, monkeypatch):
    monkeypatch.setattr(database, "BUSY_MS", 100)
    monkeypatch.setattr(module, "LOST_INTERVAL_S", 0.1)
    monkeypatch.setattr(module, "OUTCOME_RETRY_S", 0.05)
    monkeypatch.setattr(module.claims, "LEASE_S", LEASE_S)
    monkeypatch.setattr(module, "EXTEND_INTERVAL_S", LEASE_S / 10)
    began, finish = asyncio.Event(), asyncio.Event()
    runs = 0

    async def work(_container, _job):
        nonlocal runs
        runs += 1
        began.set()
        await finish.wait()

    async with (
        breakable(settings) as (broken, stop, resume),
        services_context.open_container(broken) as container,
    ):
        workers = [Worker(container, {EraseAccount: work}) for _ in range(2)]
        for worker in workers:
            worker.start()
        await add()
        await asyncio.wait_for(began.wait(), WAIT_S)
        retried = metrics.counters["jobs_outcomes_retried"]
        await stop()
        finish.set()
        leased_until = clock.monotonic() + LEASE_S  # it ends during the outage
        await until(
            lambda: clock.monotonic() > leased_until and metrics.counters["jobs_outcomes_retried"] > retried,
            WAIT_S,
        )
        await resume()

        await until(lambda: not database.unavailable(), WAIT_S)
        await until(done, WAIT_S)
        for worker in workers:
            await worker.close()
        assert (await models.Job.get()).attempts == runs == 1
