"""Rooms and users that are deleted while messages are written: no row refers to a missing one."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.core.errors import HubbubError, NotFound, NotMember
from hubbub.db import database
from hubbub.schemas.users.users import User
from hubbub.services.eventlog.pending_message import PendingMessage, Stored
from hubbub.services.instance.cached_user import CachedMembership
from hubbub.services.users import users
from tests.support.live_instance import LiveInstance

SENDERS = 200
REFERENCES = (("messages", "room_id", "rooms"), ("entries", "room_id", "rooms"))
ALL_REFERENCES = (*REFERENCES, ("messages", "sender_id", "users"))


async def room_with(senders: int) -> tuple[UUID, list[User]]:
    """A room with members."""
    room = await models.Room.create(kind="private")
    rows = [
        models.User(username=f"u{n}x{room.id.hex[-8:]}", email=f"{n}@{room.id.hex}", display_name=str(n))
        for n in range(senders)
    ]
    await models.User.bulk_create(rows)
    await models.Membership.bulk_create(
        models.Membership(room_id=room.id, user_id=row.id, role="member") for row in rows
    )
    return room.id, [users.to_view(row) for row in rows]


def message(room_id: UUID, sender: User, **more: Any) -> PendingMessage:
    membership = CachedMembership(room_id, "private", "member", muted=False, version=0)
    return PendingMessage(sender, membership, uuid4(), "word", None, [], **more)


async def orphans() -> dict[str, int]:
    """The number of rows that refer to a missing row, by table and column."""
    sql = database.connection()
    found = {}
    for table, column, parent in ALL_REFERENCES:
        rows = await sql.fetch(
            f"SELECT count(*) AS n FROM {table} c WHERE NOT EXISTS "
            f"(SELECT 1 FROM {parent} p WHERE p.id = c.{column})"
        )
        found[f"{table}.{column}"] = rows[0]["n"]
    return found


async def test_a_room_is_deleted_while_200_senders_write(instance: LiveInstance) -> None:
    writer = instance.app.container.message_writer
    deleted, senders = await room_with(SENDERS)
    kept, (reader, *_) = await room_with(2)
    some_are_stored = asyncio.Event()

    async def write(sender: User) -> list[Stored | BaseException]:
        results: list[Stored | BaseException] = []
        for _ in range(100):
            try:
                results.append(await writer.append(message(deleted, sender)))
            except HubbubError as error:
                return [*results, error]
            some_are_stored.set()
        return results

    async def write_elsewhere() -> int:
        return len([await writer.append(message(kept, reader)) for _ in range(30)])

    writing = [asyncio.create_task(write(sender)) for sender in senders]
    elsewhere = asyncio.create_task(write_elsewhere())
    await some_are_stored.wait()
    await database.connection().execute("DELETE FROM rooms WHERE id = $1", deleted)
    ends = [(await each)[-1] for each in writing]

    assert {type(end) for end in ends} == {NotFound}
    assert await elsewhere == 30
    assert await orphans() == dict.fromkeys(await orphans(), 0)
    assert await models.Message.filter(room_id=kept).count() == 30
    assert await models.Message.filter(room_id=deleted).count() == 0


async def test_the_entries_of_a_deleted_room_are_deleted(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    _, made = await ada.rest("POST", "/rooms", json={"kind": "private"})
    room_id = UUID(made["data"]["id"])
    entries = "SELECT seq FROM entries WHERE room_id = $1"
    assert await database.connection().fetch(entries, room_id)

    await models.Room.filter(id=room_id).delete()

    assert not await database.connection().fetch(entries, room_id)
    assert await orphans() == dict.fromkeys(await orphans(), 0)


async def test_a_user_with_messages_is_not_deleted(instance: LiveInstance) -> None:
    room_id, (sender, other) = await room_with(2)
    await instance.app.container.message_writer.append(message(room_id, sender))

    with pytest.raises(Exception, match="messages refer to this user"):
        await database.connection().execute("DELETE FROM users WHERE id = $1", sender.id)
    await database.connection().execute("DELETE FROM users WHERE id = $1", other.id)

    assert await models.User.exists(id=sender.id)
    assert await orphans() == dict.fromkeys(await orphans(), 0)


async def test_a_deleted_user_with_a_cached_membership_stores_nothing(instance: LiveInstance) -> None:
    room_id, (deleted, other) = await room_with(2)
    writer = instance.app.container.message_writer
    await database.connection().execute("DELETE FROM users WHERE id = $1", deleted.id)

    results = await asyncio.gather(
        *(writer.append(message(room_id, sender)) for sender in (deleted, other)), return_exceptions=True
    )

    assert isinstance(results[0], NotMember)
    assert isinstance(results[1], Stored)
    assert await orphans() == dict.fromkeys(await orphans(), 0)
