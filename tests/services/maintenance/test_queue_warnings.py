"""Admins receive one e-mail when a queue falls behind."""

from datetime import timedelta
from uuid import uuid4

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.schemas.jobs import SendMail, WatchQueues
from hubbub.services.jobs import kinds
from hubbub.services.maintenance import queue_warnings


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


async def user(name, role, **values):
    now = clock.now()
    return await models.User.create(
        username=name,
        email=f"{name}@example.org",
        display_name=name,
        role=role,
        created_at=now,
        updated_at=now,
        **values,
    )


async def late(queue):
    at = clock.now() - timedelta(hours=1)
    return await models.Job.create(queue=queue, kind="x", payload="{}", run_at=at, created_at=at)


async def mails():
    """The e-mails about queues: recipient and queues."""
    rows = await models.Job.filter(kind="mail.letter").order_by("id")
    sent = [kinds.decode(kinds.of(SendMail(template="", context={})), row.payload) for row in rows]
    return [(mail.user_id, mail.context["queues"].split(" ")[0]) for mail in sent]


async def test_each_admin_receives_one_email_until_the_queue_has_recovered(container):
    root = await user("root", "admin")
    await user("moderator", "moderator")
    await user("gone", "admin", suspended_at=clock.now())
    watch = WatchQueues(run_id=uuid4())
    await queue_warnings.watch(container, watch)
    assert await mails() == []

    push = await late("push")
    for _ in range(3):
        await queue_warnings.watch(container, watch)
    assert await mails() == [(root.id, "push")]

    await late("sms")
    await queue_warnings.watch(container, watch)
    assert await mails() == [(root.id, "push"), (root.id, "sms")]

    await push.delete()
    await queue_warnings.watch(container, watch)
    await late("push")
    await queue_warnings.watch(container, watch)
    assert await mails() == [(root.id, "push"), (root.id, "sms"), (root.id, "push")]
