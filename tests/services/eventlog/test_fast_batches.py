"""A batch on SQLite: which messages are left to the transaction of several statements, and their order."""

from collections.abc import Sequence
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core import clock, metrics
from hubbub.db import database
from hubbub.schemas.uploads.uploads import Upload
from hubbub.schemas.users.users import User
from hubbub.services.eventlog import fast_batches
from hubbub.services.eventlog.pending_message import PendingMessage, Stored
from hubbub.services.instance.cached_user import CachedMembership
from tests.support.attached import make_uploads
from tests.support.live_instance import LiveInstance


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


async def room_of(instance: LiveInstance, name: str) -> tuple[User, CachedMembership]:
    user = await instance.register(name)
    _, made = await user.rest("POST", "/rooms", json={"kind": "private"})
    membership = CachedMembership(UUID(made["data"]["id"]), "private", "owner", muted=False, version=0)
    return User(id=UUID(user.id), username=name, display_name=name, avatar_url=None), membership


def message(
    place: tuple[User, CachedMembership], body: str, uploads: Sequence[Upload] = ()
) -> PendingMessage:
    return PendingMessage(*place, uuid4(), body, None, [], attachments=uploads)


async def test_a_room_with_an_attachment_is_left_out_as_a_whole(instance: LiveInstance) -> None:
    here, there = await room_of(instance, "ada"), await room_of(instance, "bob")
    made = await make_uploads(here[0].id)
    batch = [message(here, "1"), message(there, "2"), message(here, "3", made), message(here, "4")]
    at = clock.now()
    for each in batch:
        each.encode_json(clock.rfc3339(at))

    async with database.guard():
        seqs = await fast_batches.append(batch, at, instance.app.container.epoch_watch, None)

    assert seqs == {batch[1].id: 2}


async def test_messages_of_a_room_keep_their_order(instance: LiveInstance) -> None:
    here = await room_of(instance, "ada")
    writer = instance.app.container.message_writer
    made = await make_uploads(here[0].id)
    sent = [message(here, str(index), made if index % 7 == 3 else ()) for index in range(50)]
    for each in sent:
        writer.enqueue(each)

    await writer.close()

    assert [each.result for each in sent] == [Stored(index + 2) for index in range(50)]
    stored = await models.Message.filter(room_id=here[1].room_id).order_by("seq")
    assert [each.body for each in stored] == [str(index) for index in range(50)]


async def test_ordinary_messages_are_stored_in_one_call(instance: LiveInstance) -> None:
    here = await room_of(instance, "ada")
    writer = instance.app.container.message_writer
    names = ("database_statements", "message_batches", "message_batches_rechecked")
    before = {name: metrics.counters[name] for name in names}
    sent = [message(here, str(index)) for index in range(200)]
    for each in sent:
        writer.enqueue(each)

    await writer.close()

    assert {type(each.result) for each in sent} == {Stored}
    changes = {name: metrics.counters[name] - before[name] for name in names}
    assert (changes["message_batches"], changes["message_batches_rechecked"]) == (1, 0)
    assert changes["database_statements"] < 8  # with those of periodic tasks
