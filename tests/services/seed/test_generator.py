"""Filling one room."""

import json
from datetime import datetime, timedelta

import pytest

from hubbub import models
from hubbub.cli import services_context
from hubbub.core import clock
from hubbub.services.seed import generator
from hubbub.services.seed.album import Album
from hubbub.services.seed.generator import Senders
from hubbub.services.users import users
from tests.support import stored_log


@pytest.fixture
async def container(settings):
    async with services_context.open_container(settings) as container:
        yield container


@pytest.fixture
async def room(container):
    began = clock.now() - generator.HISTORY_AGE
    return await models.Room.create(
        kind="public", name="x", name_key="x", created_at=began, last_entry_at=began
    )


@pytest.fixture
def senders(container, members):
    """The members, of whom none has pictures."""
    return Senders("x", members, Album(container, [], 0))


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


async def test_the_history_reaches_from_a_week_ago_until_now(room, members, senders):
    await generator.add_members(room.id, [(user, "member") for user in members], 100)
    await generator.write_messages(room.id, senders, 100, lambda _: None)

    times = [_at(entry) for entry in await stored_log.log_of(room.id)]
    assert clock.now() - times[0] > timedelta(days=6)
    assert clock.now() - times[-1] < timedelta(days=1)


async def test_message_ids_follow_the_order_of_the_log(room, members, senders):
    await generator.add_members(room.id, [(user, "member") for user in members], 200)
    await generator.write_messages(room.id, senders, 200, lambda _: None)

    messages = await models.Message.filter(room_id=room.id).order_by("seq")
    assert len(messages) == 200
    assert [row.id for row in messages] == sorted(row.id for row in messages)
    assert all(row.id.version == 7 for row in messages)


async def test_a_room_with_enough_messages_is_unchanged(room, members, senders):
    await generator.add_members(room.id, [(user, "member") for user in members], 20)
    reported = []

    first = await generator.write_messages(room.id, senders, 20, reported.append)
    second = await generator.write_messages(room.id, senders, 10, reported.append)

    assert (first, second) == (20, 0)
    assert sum(reported) == 30


async def test_history_that_ends_in_the_future_continues_from_there(room, members):
    late = clock.now() + timedelta(minutes=5)  # the clock of the machine was put back
    await models.Room.filter(id=room.id).update(last_entry_at=late)

    await generator.add_members(room.id, [(user, "member") for user in members], 0)

    assert [_at(entry) for entry in await stored_log.log_of(room.id)] == [late] * 5


def _at(entry):
    return datetime.fromisoformat(json.loads(entry.payload)["at"])
