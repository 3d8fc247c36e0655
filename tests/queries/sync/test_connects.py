"""The session and the memberships of a connecting user by one statement are those of two."""

from datetime import timedelta

from hubbub import models
from hubbub.core import clock, ids
from hubbub.core.metrics import counters
from hubbub.db.sql import Sql
from hubbub.queries.sync import change_counters, connects
from tests.queries.sync.test_ready_rooms import create_users


async def test_a_session_has_the_memberships_of_its_user(sql: Sql) -> None:
    users = await create_users(3)
    users.append(await models.User.create(username="zoe", email="z@example.org", display_name="Zoe"))
    await models.Room.filter(name="room 6").update(archived_at=clock.now())
    await models.Room.filter(name="room 3").update(member_version=7, member_count=3)
    await models.Membership.filter(user_id=users[1].id).update(role="owner", joined_seq=5)
    expires_at = clock.now() + timedelta(days=1)
    sessions = [
        await models.Session.create(user=user, refresh_digest="x", expires_at=expires_at) for user in users
    ]
    session_ids = [each.id for each in sessions]
    before = counters["database_statements"]

    found = await connects.sessions_with_memberships(sql, [*session_ids, ids.uuid7()])

    assert counters["database_statements"] == before + 1
    assert {key: each.session for key, each in found.items()} == await change_counters.sessions(
        sql, session_ids
    )
    expected = await change_counters.memberships(sql, [user.id for user in users])
    for session, user in zip(sessions, users, strict=True):
        rows = found[session.id].memberships
        assert sorted(rows) == sorted(expected[user.id].rooms)
        assert all(type(row.muted) is bool for row in rows)
    assert [len(found[each].memberships) for each in session_ids] == [11, 5, 3, 0]
