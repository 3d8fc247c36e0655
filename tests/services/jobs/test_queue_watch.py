"""The figures of the queues, and which of them wait too long."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock, metrics
from hubbub.services.jobs import queue_watch


@pytest.fixture(autouse=True)
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def add(queue, state="ready", due_s=0.0, ended_s=None, count=1):
    """Store jobs that are due `due_s` seconds from now, or ended `ended_s` seconds ago."""
    now = clock.now()
    ended_at = now - timedelta(seconds=ended_s) if ended_s is not None else None
    for _ in range(count):
        await models.Job.create(
            queue=queue,
            kind="x",
            payload="{}",
            state=state,
            run_at=now + timedelta(seconds=due_s),
            created_at=now,
            ended_at=ended_at,
        )


async def figures(name):
    return next(each for each in await queue_watch.read() if each.queue == name)


async def test_each_queue_is_listed_with_its_jobs():
    await add("mail", due_s=-30)
    await add("mail", due_s=-10)
    await add("mail", due_s=60)
    await add("mail", "running")
    await add("mail", "done", ended_s=30, count=2)
    await add("mail", "done", ended_s=600)
    await add("mail", "done", ended_s=7200)
    await add("mail", "dead", ended_s=30)
    await add("mail", "dead", ended_s=7200)
    await models.JobQueue.create(name="sms", paused=True)

    mail, sms = await figures("mail"), await figures("sms")

    assert (mail.waiting, mail.delayed, mail.active, mail.completed, mail.failed) == (2, 1, 1, 4, 2)
    assert 29 < mail.oldest_due_s < 90
    assert (mail.per_minute, mail.failed_share, mail.paused) == (2, 0.25, False)
    assert sms == queue_watch.QueueFigures("sms", True, *[0] * 5, 0.0, 0, 0.0)
    assert [each.queue for each in await queue_watch.read()][:2] == ["mail", "push"]


async def test_a_queue_falls_behind_by_age_or_by_number(container):
    settings = container.settings.model_copy(update={"queue_warn_s": 100.0, "queue_warn_jobs": 3})
    await add("mail", due_s=-50, count=3)
    await add("push", due_s=-150)
    await add("sms", due_s=-1, count=4)
    await add("media", due_s=50, count=5)
    await add("exports", due_s=-500)
    await models.JobQueue.create(name="exports", paused=True)
    before = dict(metrics.labelled["queue_warnings"])

    behind = await queue_watch.warn(settings)

    assert [each.queue for each in behind] == ["push", "sms"]
    after = metrics.labelled["queue_warnings"]
    assert {name for name in after if after[name] > before.get(name, 0)} == {"push", "sms"}
