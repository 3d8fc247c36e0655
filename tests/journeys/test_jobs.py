"""A worker is killed between every two steps of a job: the job is still done (G12)."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.config import Settings
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.base import parse
from hubbub.services.accounts import registration
from tests.support.mailbox import Mailbox, run_mailbox

WAIT_S = 30.0
ADA = {"name": "Ada", "email": "ada@example.org", "password": "long enough"}


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with run_mailbox() as made:
        yield made


@pytest.fixture
async def start(settings: Settings, mailbox: Mailbox) -> AsyncIterator[Callable[[], Any]]:
    started: list[Process] = []
    inherited = {name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")}

    async def start() -> Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "hubbub", "worker"),
            cwd=settings.data_dir,
            env={
                **inherited,
                "HUBBUB_ENV": "test",
                "HUBBUB_DATA_DIR": str(settings.data_dir),
                "HUBBUB_DATABASE_URL": settings.database_url,
                "HUBBUB_SMTP_URL": mailbox.url,
            },
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.slow("6 s: three processes start, two of them are killed")
async def test_an_email_is_sent_whenever_the_worker_dies(settings, mailbox, start):
    async with services_context.open_container(settings) as container:
        await registration.register(container, parse(Register, ADA), RequestInfo("192.0.2.1", "tests"))
        for step, came in (("rcpt", 0), ("data", 1)):
            reached, forever = asyncio.Event(), asyncio.Event()

            async def hold(name: str, step=step, reached=reached, forever=forever) -> None:
                if name == step:
                    reached.set()
                    await forever.wait()

            mailbox.on_step = hold
            worker = await start()
            await asyncio.wait_for(reached.wait(), WAIT_S)
            worker.kill()
            await worker.wait()
            forever.set()
            assert len(mailbox.messages) == came
            assert (await models.Job.get()).state == "running"
            # The lease of the dead worker expires.
            await models.Job.all().update(leased_until=clock.now() - timedelta(seconds=1))

        async def on(_: str) -> None:
            return

        mailbox.on_step = on
        worker = await start()
        async with asyncio.timeout(WAIT_S):
            while (await models.Job.get()).state != "done":  # noqa: ASYNC110 - a database has no event
                await asyncio.sleep(0.05)

        assert (await models.Job.get()).attempts == 3
        assert len(mailbox.messages) == 2  # at least once
        worker.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), WAIT_S) == 0
