"""Filling one room."""

from datetime import timedelta

import pytest

from hubbub import models
from hubbub.core import clock
from hubbub.db import database
from hubbub.services.seed import generator
from hubbub.services.users import users


@pytest.fixture
async def room(settings):
    await database.connect(settings)
    began = clock.now() - generator.HISTORY_AGE
    yield await models.Room.create(
        kind="public", name="x", name_key="x", created_at=began, last_entry_at=began
    )
    await database.close()


@pytest.fixture
async def members(room):
    rows = [
        await models.User.create(username=f"user{n}", email=f"{n}@example.com", display_name=str(n))
        for n in range(5)
    ]
    return [users.to_view(row) for row in rows]


async def test_a_member_does_not_join_again(room, members):
    await generator.add_members(room.id, [(members[0], "owner")], 0)
    await generator.add_members(room.id, [(user, "member") for user in members], 0)

    memberships = await models.Membership.filter(room_id=room.id).order_by("last_read_seq")
    assert [row.user_id for row in memberships] == [user.id for user in members]
    assert [row.role for row in memberships] == ["owner"] + ["member"] * 4
    assert (await models.Room.get(id=room.id)).member_count == 5


async def test_the_history_reaches_from_a_week_ago_until_now(room, members):
    await generator.add_members(room.id, [(user, "member") for user in members], 100)
    await generator.write_messages(room.id, "x", members, 100, lambda _: None)

    times = [entry.at for entry in await models.Entry.filter(room_id=room.id).order_by("seq")]
    assert clock.now() - times[0] > timedelta(days=6)
    assert clock.now() - times[-1] < timedelta(days=1)


async def test_message_ids_follow_the_order_of_the_log(room, members):
    await generator.add_members(room.id, [(user, "member") for user in members], 200)
    await generator.write_messages(room.id, "x", members, 200, lambda _: None)

    messages = await models.Message.filter(room_id=room.id).order_by("seq")
    assert len(messages) == 200
    assert [row.id for row in messages] == sorted(row.id for row in messages)
    assert all(row.id.version == 7 for row in messages)


async def test_a_room_with_enough_messages_is_unchanged(room, members):
    await generator.add_members(room.id, [(user, "member") for user in members], 20)
    told = []

    first = await generator.write_messages(room.id, "x", members, 20, told.append)
    second = await generator.write_messages(room.id, "x", members, 10, told.append)

    assert (first, second) == (20, 0)
    assert sum(told) == 30


async def test_history_that_ends_in_the_future_continues_from_there(room, members):
    late = clock.now() + timedelta(minutes=5)  # the clock of the machine was put back
    await models.Room.filter(id=room.id).update(last_entry_at=late)

    await generator.add_members(room.id, [(user, "member") for user in members], 0)

    times = await models.Entry.filter(room_id=room.id).order_by("seq").values_list("at", flat=True)
    assert times == [late] * 5
