"""The long part of deleting an account, in short and interrupted runs."""

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
from hubbub.schemas.chat.messages import EditMessage, SendMessage
from hubbub.schemas.chat.rooms import CreateRoom
from hubbub.schemas.jobs import EraseAccount
from hubbub.services.accounts import deletion, registration
from hubbub.services.chat import messages, rooms
from hubbub.services.context import Context
from hubbub.services.jobs import claims, kinds
from tests.support import stored_log

JOB_KIND = "account.erase"
SLOTS = [claims.slots_of(kinds.named(JOB_KIND), 1)]
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
        container.message_writer.start()
        yield container
        await container.message_writer.close()


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
    sent = await messages.send(ctx, SendMessage(room_id=room_id, client_id=uuid4(), body="x"))
    await messages.edit(ctx, EditMessage(message_id=sent.message.id, body="y"))
    message = await models.Message.get(id=sent.message.id)
    await models.Reaction.create(message=message, user=user, emoji="x")
    await models.Mention.create(message=message, user=user, room_id=room_id, seq=message.seq)


def decode(job: claims.Job) -> EraseAccount:
    return msgspec.json.decode(job.payload, type=EraseAccount)


async def run(container) -> bool:
    """Run the job once, as a worker does; returns whether it is finished."""
    (job,) = await claims.claim(SLOTS, 1)
    try:
        await deletion.erase_job(container, decode(job))
    except kinds.Unfinished as more:
        await claims.save_progress(job, more.payload)
        return False
    await claims.finish(job)
    return True


async def named() -> int:
    """Count the entries that still contain the name."""
    return sum('"Ada"' in row["payload_json"] for row in await stored_log.rows())


def _progress(job: models.Job) -> tuple[UUID, int]:
    payload = msgspec.json.decode(job.payload, type=EraseAccount)
    return payload.after_room_id, payload.after_seq


async def test_a_deletion_is_finished_in_many_short_runs(container, ada):
    afters = []

    for _ in range(60):
        if await run(container):
            break
        afters.append(_progress(await models.Job.get(kind=JOB_KIND)))

    assert afters == sorted(afters)
    assert len(set(afters)) >= 4
    assert await named() == 0
    for kind in (models.Reaction, models.Mention, models.Membership):
        assert not await kind.filter(user=ada).exists(), kind
    job = await models.Job.get(kind=JOB_KIND)
    assert (job.state, job.attempts) == ("done", 1)


async def test_a_killed_run_resumes_after_the_last_completed_one(container, ada):
    while not _progress(await models.Job.get(kind=JOB_KIND))[1]:
        assert not await run(container)
    (killed,) = await claims.claim(SLOTS, 1)
    with pytest.raises(kinds.Unfinished) as cut:
        await deletion.erase_job(container, decode(killed))
    left = await named()

    await models.Job.filter(kind=JOB_KIND).update(leased_until=clock.now() - timedelta(seconds=1))
    await claims.requeue_lost()
    await models.Job.filter(kind=JOB_KIND).update(run_at=clock.now() - timedelta(seconds=1))
    (again,) = await claims.claim(SLOTS, 1)
    with pytest.raises(kinds.Unfinished) as repeated:
        await deletion.erase_job(container, decode(again))

    assert again.payload == killed.payload
    assert repeated.value.payload == cut.value.payload
    assert await named() == left
