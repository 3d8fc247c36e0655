"""The statement that stores a batch: which messages it stores, which it leaves out, atomicity."""

from typing import Any, NamedTuple
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.eventlog import append_batch
from hubbub.schemas.users.users import User
from hubbub.services.chat import rooms
from hubbub.services.context import Context
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.pending_message import PendingMessage
from tests.support import stored_log
from tests.support.live_instance import LiveInstance


@pytest.fixture
def database_kind() -> str:
    """There is no such statement on SQLite."""
    return "postgres"


class UserInRoom(NamedTuple):
    room_id: UUID
    sender_id: UUID


async def place(instance: LiveInstance, name: str) -> UserInRoom:
    user = await instance.register(name)
    _, made = await user.rest("POST", "/rooms", json={"kind": "private"})
    return UserInRoom(UUID(made["data"]["id"]), UUID(user.id))


def row(at: UserInRoom, body: str = "x", /, **changes: object) -> append_batch.MessageRow:
    """A message that is in order, unless changed."""
    good = {
        "id": ids.uuid7(),
        "room_id": at.room_id,
        "version": 0,
        "sender_id": at.sender_id,
        "client_id": uuid4(),
        "body": body,
        "reply_to_id": None,
        "mentions": "[]",
        "attachments": "[]",
        "words": f"'{body}':1",
        "known_seq": 0,
    }
    return append_batch.MessageRow(**{**good, **changes})  # type: ignore[arg-type]


async def append(*rows: append_batch.MessageRow, **references: Any) -> dict[UUID, int]:
    batch, epoch = append_batch.Batch(rows, **references), await epochs.current()
    return await append_batch.append_messages(database.connection(), batch, clock.now(), epoch)


async def test_seqs_follow_the_order_within_each_room(instance: LiveInstance) -> None:
    here, there = await place(instance, "ada"), await place(instance, "bob")
    batch = [row(here, "a"), row(there, "b"), row(here, "c"), row(there, "d"), row(here, "e")]

    stored = await append(*batch)

    assert [stored[each.id] for each in batch] == [2, 2, 3, 3, 4]
    assert (await models.Room.get(id=here.room_id)).last_seq == 4
    messages = await models.Message.filter(room_id=here.room_id).order_by("seq")
    assert [(message.id, message.seq) for message in messages] == [
        (batch[i].id, i + 2 - i // 2) for i in (0, 2, 4)
    ]
    assert await stored_log.messages_of(here.room_id)
    assert (await models.Membership.get(room_id=here.room_id)).last_read_seq == 4
    assert await append(row(here, "f")) == {(await models.Message.get(body="f")).id: 5}


async def test_uncertain_messages_are_left_out_and_the_others_stored(instance: LiveInstance) -> None:
    here = await place(instance, "ada")
    archived = await place(instance, "bob")
    await models.Room.filter(id=archived.room_id).update(archived_at=clock.now())
    before = row(here, "before")
    await append(before)
    good = row(here, "good")

    stored = await append(
        row(here, "again", client_id=before.client_id),
        row(here, "old", version=-1),
        row(archived, "late"),
        row(here, "nowhere", room_id=uuid4()),
        good,
    )

    assert stored == {good.id: 3}
    assert {message.body for message in await models.Message.all()} == {"before", "good"}


@pytest.mark.parametrize(
    "invalid",
    [{"words": "'x':"}, {"body": "\x00"}],
    ids=["no words", "no text"],
)
async def test_a_batch_is_stored_completely_or_not_at_all(
    instance: LiveInstance, invalid: dict[str, object]
) -> None:
    here = await place(instance, "ada")

    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await append(row(here, "good"), row(here, "bad", **invalid))

    assert await models.Message.all().count() == 0
    assert (await models.Room.get(id=here.room_id)).last_seq == 1
    assert await append(row(here, "next"))


async def test_mentions_are_stored_with_their_message(instance: LiveInstance) -> None:
    here = await place(instance, "ada")
    first, second = row(here, "first"), row(here, "second")

    mentions = [append_batch.MentionRow(each, here.sender_id) for each in (second.id, uuid4())]
    await append(first, second, mentions=mentions)

    (kept,) = await models.Mention.all()
    assert (kept.message_id, kept.seq) == (second.id, 3)  # type: ignore[attr-defined]


async def test_the_batch_path_stores_the_same_as_the_single_path(instance: LiveInstance) -> None:
    """The same message, by `send`, has the same entry on both paths, except for ids and times."""
    here = await place(instance, "ada")
    ctx = Context(instance.app.container, here.sender_id)
    membership = await rooms.access(ctx, here.room_id)
    _, answer = await instance.users["ada"].rest(
        "POST", f"/rooms/{here.room_id}/messages", json={"client_id": str(uuid4()), "body": 'say "seq":0, {}'}
    )
    (quick,) = await stored_log.messages_of(here.room_id)
    await models.Room.filter(id=here.room_id).update(member_version=membership.version + 1)
    instance.app.container.membership_cache.remove_membership(here.sender_id, here.room_id)
    slow = PendingMessage(
        sender=msgspec.convert(answer["data"]["sender"], User),
        membership=membership,
        client_id=uuid4(),
        body='say "seq":0, {}',
        reply_to=None,
        mentions=[],
    )
    await instance.app.container.message_writer.append(slow)
    (_, careful) = await stored_log.messages_of(here.room_id)

    def shape(payload: str) -> object:
        told = msgspec.json.decode(payload)
        for each in (told, told["message"]):
            for name in ("id", "client_id", "at", "created_at", "seq"):
                each.pop(name, None)
        return list(told), list(told["message"]), told

    assert shape(quick.payload) == shape(careful.payload)


async def test_a_log_that_ends_before_a_known_entry_is_left_out(instance: LiveInstance) -> None:
    here = await place(instance, "ada")
    last_seq = (await models.Room.get(id=here.room_id)).last_seq

    stored = await append(row(here, "a", known_seq=last_seq))
    left = await append(row(here, "b", known_seq=last_seq + 2))

    assert (list(stored.values()), left) == ([last_seq + 1], {})


async def test_another_epoch_stores_nothing(instance: LiveInstance) -> None:
    here = await place(instance, "ada")

    for rows in ([row(here, "a")], [row(here, "b"), row(here, "c")]):
        left = await append_batch.append_messages(
            database.connection(), append_batch.Batch(rows), clock.now(), "another"
        )
        assert left == {}
