"""What is stored with a message: attachments and jobs, all or nothing, by both ways of writing."""

import asyncio
import gc
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.cluster.bus import JobsWaiting, Signal
from hubbub.core import metrics
from hubbub.core.errors import Conflict, HubbubError, NotFound
from hubbub.schemas.chat.messages import MessageRef, SendMessage
from hubbub.schemas.jobs import EraseAccount
from hubbub.schemas.uploads.uploads import Upload, UploadRef
from hubbub.schemas.users.users import User
from hubbub.services.chat import messages
from hubbub.services.context import Context
from hubbub.services.eventlog import message_writer
from hubbub.services.eventlog.message_writer import UNKNOWN_VERSION
from hubbub.services.eventlog.pending_message import PendingMessage
from hubbub.services.instance.cached_user import CachedMembership
from hubbub.services.jobs.queue import NewJob
from hubbub.services.uploads import uploads
from tests.support.attached import make_uploads
from tests.support.live_instance import LiveInstance

WAYS = pytest.mark.parametrize("version", [0, UNKNOWN_VERSION], ids=["one statement", "checked"])


async def room_of(instance: LiveInstance, *names: str) -> tuple[UUID, list[User]]:
    """A room and the users in it."""
    people = [await instance.register(name) for name in names]
    body = {"kind": "private", "member_ids": [each.id for each in people[1:]]}
    _, answer = await people[0].rest("POST", "/rooms", json=body)
    users = [
        User(id=UUID(each.id), username=each.username, display_name=each.username, avatar_url=None)
        for each in people
    ]
    return UUID(answer["data"]["id"]), users


def message(room_id: UUID, sender: User, version: int = 0, **more: Any) -> PendingMessage:
    membership = CachedMembership(room_id, "private", "member", muted=False, version=version)
    return PendingMessage(sender, membership, more.pop("client_id", uuid4()), "word", None, [], **more)


async def attachments() -> list[tuple[UUID, UUID, UUID, int]]:
    rows = await models.Attachment.all().order_by("message_id", "position")
    return [(row.message_id, row.room_id, row.upload_id, row.position) for row in rows]


def job(unique: str | None = None) -> NewJob:
    return NewJob(EraseAccount(user_id=uuid4()), unique_key=unique)


@WAYS
async def test_attachments_are_stored_in_the_order_of_the_sender(
    instance: LiveInstance, version: int
) -> None:
    room_id, (ada, bob) = await room_of(instance, "ada", "bob")
    made = await make_uploads(ada.id, 3)
    sent = [
        message(room_id, ada, version, attachments=made),
        message(room_id, bob, version),
        message(room_id, ada, version, attachments=made[2:]),
    ]
    writer = instance.app.container.message_writer

    await asyncio.gather(*(writer.append(each) for each in sent))

    assert await attachments() == [
        *((sent[0].id, room_id, upload.id, position) for position, upload in enumerate(made)),
        (sent[2].id, room_id, made[2].id, 0),
    ]
    row = await models.Message.get(id=sent[0].id)
    assert row.attachments == "[" + ",".join(f'"{upload.id}"' for upload in made) + "]"


async def test_a_deleted_message_refers_to_no_upload(instance: LiveInstance) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    made = await make_uploads(ada.id, 2)
    sent = message(room_id, ada, attachments=made)
    await instance.app.container.message_writer.append(sent)

    await messages.delete(Context(instance.app.container, ada.id), MessageRef(message_id=sent.id))

    assert await attachments() == []
    for each in made:
        assert (await models.Upload.get(id=each.id)).unreferenced_since is not None


@WAYS
@pytest.mark.parametrize("reason", ["of another user", "of another kind", "deleted"])
async def test_only_uploads_of_the_sender_are_attached(
    instance: LiveInstance, version: int, reason: str
) -> None:
    room_id, (ada, bob) = await room_of(instance, "ada", "bob")
    (good,) = await make_uploads(ada.id)
    (bad,) = await make_uploads(
        bob.id if reason == "of another user" else ada.id,
        kind="avatar" if reason == "of another kind" else "image",
    )
    if reason == "deleted":
        await models.Upload.filter(id=bad.id).delete()
    writer = instance.app.container.message_writer
    sent = [
        message(room_id, ada, version),
        message(room_id, ada, version, attachments=[good, bad]),
        message(room_id, ada, version, attachments=[good]),
    ]

    results = await asyncio.gather(*(writer.append(each) for each in sent), return_exceptions=True)

    assert isinstance(results[1], NotFound)
    assert results[1].fields == (("attachments[1]", "Upload not found."),)
    seqs = [each.seq for each in results if not isinstance(each, BaseException)]
    assert len(seqs) == 2
    assert await attachments() == [(sent[2].id, room_id, good.id, 0)]
    assert (await models.Upload.get(id=good.id)).unreferenced_since is None
    if reason != "deleted":
        assert (await models.Upload.get(id=bad.id)).unreferenced_since is not None


@WAYS
async def test_an_upload_is_deleted_or_attached_never_both(instance: LiveInstance, version: int) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    ctx, writer = Context(instance.app.container, ada.id), instance.app.container.message_writer
    made = await make_uploads(ada.id, 12)
    pairs = list(pairwise(made))  # neighbours share an upload, in both orders

    async def attach(number: int) -> bool:
        first, second = pairs[number] if number % 2 else pairs[number][::-1]
        try:
            await writer.append(message(room_id, ada, version, attachments=[first, second]))
        except NotFound:
            return False
        return True

    async def remove(upload: Upload) -> bool:
        try:
            await uploads.delete(ctx, UploadRef(upload_id=upload.id))
        except Conflict:
            return False
        return True

    async with asyncio.timeout(20):
        attached, removed = await asyncio.gather(
            asyncio.gather(*(attach(number) for number in range(len(pairs)))),
            asyncio.gather(*(remove(each) for each in made[::3])),
        )

    shown = {upload_id for _, _, upload_id, _ in await attachments()}
    assert shown == {each.id for pair, ok in zip(pairs, attached, strict=True) if ok for each in pair}
    gone = {each.id for each, ok in zip(made[::3], removed, strict=True) if ok}
    rows = {UUID(str(row.id)): row.unreferenced_since for row in await models.Upload.all()}
    assert rows.keys() == {each.id for each in made} - gone
    assert shown == {upload_id for upload_id, since in rows.items() if since is None}


@WAYS
async def test_jobs_are_stored_with_their_message_and_announced(instance: LiveInstance, version: int) -> None:
    room_id, (ada, bob) = await room_of(instance, "ada", "bob")
    announced = asyncio.Event()

    def on_signal(signal: Signal) -> None:
        if isinstance(signal, JobsWaiting):
            announced.set()

    instance.app.container.bus.add_handler(on_signal)
    await models.Job.all().delete()
    payloads = [job() for _ in range(3)]
    sent = [
        message(room_id, ada, version, jobs=payloads[:2]),
        message(room_id, bob, version, jobs=payloads[2:]),
        message(room_id, bob, version),
    ]
    writer = instance.app.container.message_writer

    await asyncio.gather(*(writer.append(each) for each in sent))

    async with asyncio.timeout(5):
        await announced.wait()
    stored = await models.Job.filter(kind="account.erase")
    wanted = {f'{{"user_id":"{each.payload.user_id}"}}' for each in payloads}  # type: ignore[attr-defined]
    assert {row.payload for row in stored} == wanted
    assert {row.queue for row in stored} == {"maintenance"}


@WAYS
async def test_a_repeated_message_stores_its_jobs_and_attachments_once(
    instance: LiveInstance, version: int
) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    await models.Job.all().delete()
    client_id, made = uuid4(), await make_uploads(ada.id)
    twins = [
        message(room_id, ada, version, client_id=client_id, attachments=made, jobs=[job()]) for _ in range(5)
    ]
    writer = instance.app.container.message_writer

    results = await asyncio.gather(*(writer.append(each) for each in twins))

    assert sum(result.existing_id is None for result in results) == 1
    assert len(await attachments()) == 1
    assert await models.Job.filter(kind="account.erase").count() == 1


@WAYS
async def test_a_job_with_a_unique_key_is_stored_once(instance: LiveInstance, version: int) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    await models.Job.all().delete()
    writer = instance.app.container.message_writer

    for _ in range(2):
        await asyncio.gather(
            *(writer.append(message(room_id, ada, version, jobs=[job("x")])) for _ in range(3))
        )

    assert await models.Job.filter(kind="account.erase").count() == 1
    assert await models.Message.filter(room_id=room_id).count() == 6


async def test_a_message_that_fails_stores_no_job(instance: LiveInstance) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    await models.Job.all().delete()
    good = message(room_id, ada, jobs=[job()])
    bad = message(room_id, ada, jobs=[job()], attachments=2 * await make_uploads(ada.id))
    writer = instance.app.container.message_writer

    results = await asyncio.gather(writer.append(good), writer.append(bad), return_exceptions=True)

    assert isinstance(results[1], HubbubError)
    assert await models.Job.filter(kind="account.erase").count() == 1
    assert await attachments() == []


async def test_a_resolved_message_is_freed_without_the_garbage_collector(instance: LiveInstance) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    ctx = Context(instance.app.container, ada.id)
    acked = asyncio.Event()
    gc.collect()
    gc.disable()
    try:
        begun = messages.send_pipelined(
            ctx, SendMessage(room_id=room_id, client_id=uuid4(), body="x"), lambda _: acked.set()
        )
        if begun is not None:
            await begun()
        async with asyncio.timeout(5):
            await acked.wait()
            while instance.app.container.message_writer._in_flight:  # noqa: ASYNC110 - its batch ends at once
                await asyncio.sleep(0)
        del begun
        alive = [each for each in gc.get_objects() if isinstance(each, PendingMessage)]
    finally:
        gc.enable()

    assert alive == []


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_single_and_batched_messages_are_stored_by_one_statement_each(instance: LiveInstance) -> None:
    room_id, (ada,) = await room_of(instance, "ada")
    writer = instance.app.container.message_writer
    await writer.append(message(room_id, ada))
    before = dict(metrics.counters)

    for size in (1, 5):
        await asyncio.gather(*(writer.append(message(room_id, ada)) for _ in range(size)))

    made = {
        name: metrics.counters[name] - before.get(name, 0) for name in ("messages_stored", "message_batches")
    }
    assert made["messages_stored"] == 6
    assert metrics.counters["message_batches_rechecked"] == before.get("message_batches_rechecked", 0)
    assert message_writer.LOOP_YIELDS > 0
