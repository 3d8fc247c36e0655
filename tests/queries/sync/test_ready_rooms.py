"""The rooms of many users by one statement are those of each user."""

from datetime import timedelta

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.metrics import counters
from hubbub.db.sql import Sql
from hubbub.queries.chat import rooms as room_queries
from hubbub.queries.sync.ready_rooms import rooms_of_users


async def create_users(count: int) -> list[models.User]:
    """Create users, each in the rooms whose number is divisible by the user's."""
    names = [f"user{number}" for number in range(1, count + 1)]
    users = [
        await models.User.create(username=name, email=f"{name}@example.org", display_name=name)
        for name in names
    ]
    now = clock.now()
    for number in range(1, 13):
        room = await models.Room.create(
            kind="private", name=f"room {number}", last_entry_at=now - timedelta(seconds=number // 2)
        )
        for each, user in enumerate(users, 1):
            if number % each == 0:
                await models.Membership.create(room=room, user=user, role="member", muted=number % 2 == 0)
    return users


async def test_each_user_gets_the_own_rooms_in_their_order(sql: Sql) -> None:
    users = await create_users(5)
    await models.Room.filter(name="room 8").update(archived_at=clock.now())
    stranger = ids.uuid7()
    before = counters["database_statements"]

    found = await rooms_of_users(sql, [*(each.id for each in users), stranger], 100)

    assert counters["database_statements"] == before + 1
    assert [len(found[each.id]) for each in users] == [11, 5, 4, 2, 2]
    assert found.pop(stranger) == []
    assert found == {each.id: await room_queries.rooms_of(sql, each.id, 100) for each in users}


async def test_the_limit_is_of_each_user(sql: Sql) -> None:
    users = await create_users(3)

    found = await rooms_of_users(sql, [each.id for each in users], 5)

    assert [len(rooms) for rooms in found.values()] == [5, 5, 4]
    assert found == {each.id: await room_queries.rooms_of(sql, each.id, 5) for each in users}
