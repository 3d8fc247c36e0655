"""The call that stores a batch in SQLite: which messages it stores, which it leaves out, atomicity."""

import sqlite3
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.chat import search
from hubbub.queries.eventlog import append_batch_sqlite
from hubbub.services.eventlog import epochs
from tests.support.live_instance import LiveInstance


@pytest.fixture
def database_kind() -> str:
    """PostgreSQL has a statement of its own."""
    return "sqlite"


class UserInRoom(NamedTuple):
    room_id: str
    sender_id: str


async def place(instance: LiveInstance, name: str) -> UserInRoom:
    user = await instance.register(name)
    _, made = await user.rest("POST", "/rooms", json={"kind": "private"})
    return UserInRoom(made["data"]["id"], user.id)


def row(at: UserInRoom, body: str = "x", /, **changes: object) -> append_batch_sqlite.TextRow:
    """A message that is in order, unless changed."""
    good = {
        "id": str(ids.uuid7()),
        "room_id": at.room_id,
        "version": 0,
        "sender_id": at.sender_id,
        "client_id": str(uuid4()),
        "body": body,
        "reply_to_id": None,
        "mentions": "[]",
        "mentioned": (),
        "words": body,
        "known_seq": 0,
    }
    return append_batch_sqlite.TextRow(**{**good, **changes})  # type: ignore[arg-type]


async def append(*rows: append_batch_sqlite.TextRow) -> dict[int, int]:
    epoch = await epochs.current()
    return await append_batch_sqlite.append_messages(database.connection(), rows, clock.now(), epoch)


async def test_seqs_follow_the_order_within_each_room(instance: LiveInstance) -> None:
    here, there = await place(instance, "ada"), await place(instance, "bob")
    batch = [row(here, "a"), row(there, "b"), row(here, "c"), row(there, "d"), row(here, "e")]

    assert await append(*batch) == {0: 2, 1: 2, 2: 3, 3: 3, 4: 4}

    assert (await models.Room.get(id=here.room_id)).last_seq == 4
    stored = await models.Message.filter(room_id=here.room_id).order_by("seq")
    assert [(each.body, each.seq, str(each.id)) for each in stored] == [
        (batch[index].body, index // 2 + 2, batch[index].id) for index in (0, 2, 4)
    ]
    assert (await models.Membership.get(room_id=here.room_id)).last_read_seq == 4
    assert await append(row(here, "f")) == {0: 5}


@pytest.mark.parametrize("count", [1, 3, 4, 15, 16, 63, 64, 65, 85, 200])
async def test_a_batch_of_any_size_is_stored(instance: LiveInstance, count: int) -> None:
    here = await place(instance, "ada")
    batch = [row(here, f"word{index}") for index in range(count)]

    assert await append(*batch) == {index: index + 2 for index in range(count)}

    stored = await models.Message.filter(room_id=here.room_id).order_by("seq")
    assert [each.body for each in stored] == [each.body for each in batch]
    for index in (0, count - 1):
        found = await search.find(
            database.connection(), user_id=UUID(here.sender_id), query=f"word{index}", limit=200
        )
        assert UUID(batch[index].id) in found


async def test_a_row_equals_that_of_a_transaction_of_several_statements(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "first")
    ordinary = await ada.send(room_id, "same text", reply_to=first["id"])
    # The version of the membership is unknown, so that the call leaves the message out.
    cached = instance.app.container.membership_cache.get(UUID(ada.ready["user"]["id"]))
    assert cached is not None
    cached.rooms[UUID(room_id)].version = -1
    checked = await ada.send(room_id, "same text", reply_to=first["id"])

    rows = [
        dict(found)
        for found in await database.connection().fetch(
            "SELECT m.*, typeof(m.created_at) AS type, w.words, w.room "
            "FROM messages m JOIN message_words w ON w.message_id = m.id WHERE m.body = 'same text' "
            "ORDER BY m.seq"
        )
    ]
    different = {"id", "seq", "client_id", "created_at"}
    assert [{key: each[key] for key in each.keys() - different} for each in rows] == [
        {key: rows[0][key] for key in rows[0].keys() - different}
    ] * 2
    assert [each["id"] for each in rows] == [ordinary["id"], checked["id"]]
    for each in rows:  # a time without milliseconds has no fraction
        assert each["created_at"] == str(datetime.fromisoformat(each["created_at"]))


async def test_uncertain_messages_are_left_out_and_the_others_stored(instance: LiveInstance) -> None:
    here = await place(instance, "ada")
    archived = await place(instance, "bob")
    await models.Room.filter(id=archived.room_id).update(archived_at=clock.now())
    before = row(here, "before")
    await append(before)

    stored = await append(
        row(here, "again", client_id=before.client_id),
        row(here, "old", version=-1),
        row(archived, "late"),
        row(here, "nowhere", room_id=str(uuid4())),
        row(here, "ahead", known_seq=3),
        row(here, "good"),
    )

    assert stored == {5: 3}
    assert {message.body for message in await models.Message.all()} == {"before", "good"}


async def test_nothing_is_stored_in_another_epoch(instance: LiveInstance) -> None:
    here = await place(instance, "ada")

    sql = database.connection()
    assert await append_batch_sqlite.append_messages(sql, [row(here)], clock.now(), "another") == {}
    assert await models.Message.all().count() == 0


@pytest.mark.parametrize(
    "invalid",
    [{"body": "\ud800"}, {"mentioned": (str(uuid4()),)}, {"client_id": "TWICE"}],
    ids=["no text", "no such user", "one message twice"],
)
async def test_a_batch_is_stored_completely_or_not_at_all(
    instance: LiveInstance, invalid: dict[str, object]
) -> None:
    here = await place(instance, "ada")

    with pytest.raises((sqlite3.Error, UnicodeEncodeError)):
        await append(row(here, "good", client_id="TWICE"), row(here, "bad", **invalid))

    assert await models.Message.all().count() == 0
    assert (await models.Room.get(id=here.room_id)).last_seq == 1
    assert await append(row(here, "next")) == {0: 2}


async def test_mentions_are_stored_with_their_message(instance: LiveInstance) -> None:
    here = await place(instance, "ada")
    first = row(here, "first", mentioned=(here.sender_id,))

    await append(first, row(here, "second"))

    (mention,) = await models.Mention.all().values("message_id", "user_id", "room_id", "seq")
    assert {name: str(value) for name, value in mention.items()} == {
        "message_id": first.id,
        "user_id": here.sender_id,
        "room_id": here.room_id,
        "seq": "2",
    }


async def test_rooms_and_memberships_are_found_by_their_indexes(instance: LiveInstance) -> None:
    for statement in (
        append_batch_sqlite._HEADS,
        append_batch_sqlite._STORED,
        append_batch_sqlite._ADVANCE_ROOMS,
        append_batch_sqlite._ADVANCE_READ_MARKS,
    ):
        values = ("[]", "x")[: 1 + statement.count("?2")]

        def explain(
            connection: sqlite3.Connection, text: str = statement, values: tuple[str, ...] = values
        ) -> list[str]:
            return [step["detail"] for step in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

        plan = await database.connection().in_one_call(explain)
        tables = [
            step for step in plan if "VIRTUAL TABLE" not in step and step.startswith(("SCAN", "SEARCH"))
        ]
        assert tables, plan
        assert not [step for step in tables if step.startswith("SCAN")], plan
