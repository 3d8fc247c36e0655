"""The long part of deleting an account, in short and interrupted runs."""

import json
from datetime import timedelta
from uuid import UUID, uuid4

import msgspec
import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.core.request_info import RequestInfo
from hubbub.db import locking
from hubbub.schemas.accounts.accounts import Register
from hubbub.schemas.chat.rooms import CreateRoom
from hubbub.schemas.events import MessageNew
from hubbub.schemas.jobs import EraseAccount
from hubbub.services.accounts import deletion, registration
from hubbub.services.chat import message_views, rooms
from hubbub.services.context import Context
from hubbub.services.jobs import queue

JOB_KIND = "account.erase"
MESSAGES = 12


@pytest.fixture
async def container(settings, monkeypatch):
    """Batches of a few rows, and no time: a run does one batch."""
    for module, name, value in (
        (deletion, "REWRITE_BATCH_ENTRIES", 4),
        (locking, "MAX_LOCKED_ROWS", 2),
        (deletion, "LEAVE_BATCH_ROOMS", 2),
    ):
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(deletion, "MAX_RUN_S", 0.0)
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def ada(container):
    """An account with messages, reactions, mentions and rooms; it is erased, and the job waits."""
    given = Register(name="Ada", email="ada@example.org", password="long enough")
    login = await registration.register(container, given, RequestInfo("192.0.2.1", "tests"))
    ctx = Context(container, login.user.id)
    for number in range(5):
        room = (await rooms.create(ctx, CreateRoom(kind="private", name=f"room {number}"))).room
    for _ in range(MESSAGES):
        await say(ctx, room.id)
    await models.Job.all().delete()
    user = await models.User.get(id=login.user.id)
    async with ctx.unit() as unit:
        await deletion.erase(unit, user)
    return user


async def say(ctx: Context, room_id: UUID) -> None:
    """Store a message that names its sender, with a reaction and a mention of it."""
    user = await models.User.get(id=ctx.user_id)
    message = await models.Message.create(
        room_id=room_id,
        sender=user,
        seq=(await models.Entry.filter(room_id=room_id).count()) + 1,
        client_id=uuid4(),
        body="x",
        created_at=clock.now(),
    )
    async with ctx.unit() as unit:
        head = await unit.lock(room_id)
        await unit.append(head, MessageNew(message=await message_views.load_view(message, None)))
    await models.Reaction.create(message=message, user=user, emoji="x")
    await models.Mention.create(message=message, user=user, room_id=room_id, seq=message.seq)


def decode(job: queue.Job) -> EraseAccount:
    return msgspec.json.decode(job.payload, type=EraseAccount)


async def run(container, lease: UUID) -> bool:
    """Run the job once, as a worker does; returns whether it is finished."""
    (job,) = await queue.claim(lease, 1)
    try:
        await deletion.erase_job(container, decode(job))
    except queue.Unfinished as more:
        await queue.save_progress(lease, job, more.payload)
        return False
    await queue.finish(lease, job)
    return True


async def named() -> int:
    """Count the entries that still contain the name."""
    return await models.Entry.filter(payload__contains='"Ada"').count()


async def test_a_deletion_is_finished_in_many_short_runs(container, ada):
    lease, afters = uuid4(), []

    for _ in range(60):
        if await run(container, lease):
            break
        afters.append(json.loads((await models.Job.get(kind=JOB_KIND)).payload).get("after", 0))

    assert afters == sorted(afters)
    assert len(set(afters)) >= 4
    assert await named() == 0
    for kind in (models.Reaction, models.Mention, models.Membership):
        assert not await kind.filter(user=ada).exists(), kind
    job = await models.Job.get(kind=JOB_KIND)
    assert (job.state, job.attempts) == ("done", 1)


async def test_a_killed_run_resumes_after_the_last_completed_one(container, ada):
    lease = uuid4()
    while not json.loads((await models.Job.get(kind=JOB_KIND)).payload).get("after"):
        assert not await run(container, lease)
    (killed,) = await queue.claim(uuid4(), 1)
    with pytest.raises(queue.Unfinished) as cut:
        await deletion.erase_job(container, decode(killed))
    left = await named()

    await models.Job.filter(kind=JOB_KIND).update(leased_until=clock.now() - timedelta(seconds=1))
    (again,) = await queue.claim(lease, 1)
    with pytest.raises(queue.Unfinished) as repeated:
        await deletion.erase_job(container, decode(again))

    assert again.payload == killed.payload
    assert repeated.value.payload == cut.value.payload
    assert await named() == left
