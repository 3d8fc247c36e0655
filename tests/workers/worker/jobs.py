"""Jobs for the tests of workers: their creation, their states and their handlers."""

import asyncio
from uuid import UUID

from hubbub import models
from hubbub.cluster.bus import JobsWaiting
from hubbub.core import clock
from hubbub.db import database
from hubbub.schemas.jobs import EraseAccount
from hubbub.services.jobs import kinds, queue
from tests.support.waiting import until

WAIT_S = 5.0
ERASE = kinds.named("account.erase")
MAIL = kinds.named("mail.letter")


def job(number=0):
    return EraseAccount(user_id=UUID(int=7), after_seq=number)


async def add(container, payload):
    async with database.transaction() as tx:
        await queue.enqueue(tx, payload)
    container.bus.publish(JobsWaiting())


async def store(kind, payload="{}", at=None):
    """Store a job as another release, or a machine with another clock, may have stored it."""
    at = at or clock.now()
    await models.Job.create(queue="default", kind=kind, payload=payload, run_at=at, created_at=at)


async def states() -> list[str]:
    return [job.state for job in await models.Job.all().order_by("id")]


async def reached(*wanted: str) -> None:
    async def there():
        return await states() == list(wanted)

    await until(there, WAIT_S)


async def endless(_container, _payload):
    await asyncio.Event().wait()
