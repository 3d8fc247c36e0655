"""Frequent queries use an index, with any number of messages."""

import re

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.db.sql import as_uuid
from hubbub.queries.auth import accounts
from hubbub.queries.chat import message_pages, reactions, search
from hubbub.queries.chat import rooms as room_queries
from hubbub.queries.eventlog import event_log, log_entries
from hubbub.queries.sync import change_counters, ready_rooms
from tests.support.query_plans import ExplainingSql

SEEDING = """
    INSERT INTO users (id, username, email, display_name, role, created_at, updated_at)
    SELECT gen_random_uuid(), n, n, n, 'user', now(), now() FROM generate_series(1, 1000) n;

    INSERT INTO rooms (id, kind, name, name_key, topic, created_at, last_seq, first_seq, member_count,
        member_version, last_entry_at)
    SELECT gen_random_uuid(), 'public', n, n, '', now(), 50, 1, 5, 0, now() - n * interval '1 s'
    FROM generate_series(1, 1000) n;

    INSERT INTO memberships (id, room_id, user_id, role, joined_at, last_read_seq, muted)
    SELECT gen_random_uuid(), r.id, u.id, 'member', now(), 30, false
    FROM rooms r JOIN users u ON u.username::int % 200 = r.name::int % 200;

    INSERT INTO messages (id, room_id, sender_id, client_id, seq, body, mentions, attachments, created_at,
        words)
    SELECT gen_random_uuid(), r.id, u.id, gen_random_uuid(), s, '', '[]', '[]', now(),
        ('''common'' ''w' || (row_number() OVER ()) || ''' ''/' || replace(r.id::text, '-', '')
            || '''')::tsvector
    FROM rooms r JOIN users u ON u.username = r.name, generate_series(1, 50) s;

    INSERT INTO entries (room_id, seq, event, payload_json, at, actor_id, message_id)
    SELECT room_id, seq + 50, 'message:updated', '{}', created_at, sender_id, id FROM messages;

    INSERT INTO mentions (room_id, seq, message_id, user_id)
    SELECT room_id, seq, id, sender_id FROM messages WHERE seq % 5 = 0;

    INSERT INTO reactions (id, message_id, user_id, emoji, created_at)
    SELECT gen_random_uuid(), id, sender_id, '+', now() FROM messages WHERE seq % 3 = 0;

    ANALYZE
"""
# A whole table: of what grows on PostgreSQL, where few rooms and users are read faster so; any on SQLite.
WHOLE = re.compile(
    r"Seq Scan on (messages|entries|mentions|message_words|memberships|reactions)|SCAN [a-z]\w*( USING .*)?$",
    re.MULTILINE,
)


# Scans of what the query itself limits.
OWN = ("SCAN page", "SCAN sent", "SCAN newest", "SCAN counted", "SCAN m", "SCAN e", "SCAN reaction")


@pytest.fixture
async def explaining_sql(sql):
    """PostgreSQL decides by what there is; SQLite by its schema alone."""
    if sql.dialect == "postgres":
        async with database.transaction() as tx:
            for statement in SEEDING.split(";"):
                await tx.execute(statement)
    else:
        user = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
        await models.Membership.create(
            room=await models.Room.create(kind="private"), user=user, role="member"
        )
    return ExplainingSql(sql)


@pytest.fixture
async def user(sql, explaining_sql):
    """A user who is a member of a few rooms."""
    rows = await sql.fetch("SELECT user_id FROM memberships LIMIT 1")
    return as_uuid(rows[0]["user_id"])


@pytest.fixture
async def rooms(sql, user):
    rows = await sql.fetch("SELECT room_id FROM memberships WHERE user_id = $1", user)
    return [as_uuid(row["room_id"]) for row in rows]


async def test_no_query_scans_a_whole_table(explaining_sql, user, rooms):
    room, now = rooms[0], clock.now()
    await room_queries.rooms_of(explaining_sql, user, 50)
    await room_queries.rooms_of(explaining_sql, user, 50, (now, room))
    await ready_rooms.rooms_of_users(explaining_sql, [user, ids.uuid7()], 50)
    await room_queries.room(explaining_sql, room, user)
    await room_queries.membership(explaining_sql, room, user)
    await accounts.account(explaining_sql, user)
    await message_pages.before(explaining_sql, user, room, None, 51)
    await message_pages.before(explaining_sql, user, room, 20, 51)
    await message_pages.after(explaining_sql, user, room, 20, 51)
    await message_pages.by_ids(explaining_sql, user, [ids.uuid7(), ids.uuid7()])
    await reactions.counted(explaining_sql, [ids.uuid7(), ids.uuid7()], user)
    await room_queries.public_rooms(explaining_sql, user, ["%"], 50)
    await room_queries.public_rooms(explaining_sql, user, ["%"], 50, ("5", room))
    await change_counters.memberships(explaining_sql, [user])
    await room_queries.log_spans(explaining_sql, user, rooms)
    await room_queries.members(explaining_sql, room, 50, "5")
    await room_queries.members_named(explaining_sql, room, ["1", "2"])
    await room_queries.users_sharing_a_room(explaining_sql, user, [user, ids.uuid7()])
    await log_entries.after(explaining_sql, room, 20, 100)
    await log_entries.page(explaining_sql, log_entries.Key(room, 20), 100)
    await log_entries.updates_of(explaining_sql, room, ids.uuid7())
    await event_log.memberships(explaining_sql, rooms, [user])
    await event_log.stored_messages(explaining_sql, [(user, ids.uuid7())])
    await event_log.changed(explaining_sql, {room: event_log.LogEnd(0, 0) for room in rooms})
    await event_log.lock_rooms(explaining_sql, rooms)

    assert len(explaining_sql.plans) == 25
    for plan in explaining_sql.plans:
        assert [line for line in WHOLE.finditer(plan) if line[0] not in OWN] == [], plan


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_the_last_message_is_a_lookup_before_the_first_analyze(sql):
    """A table that grew from nothing has no statistics for a minute: one room must not read all of it."""
    async with database.transaction() as tx:
        for statement in SEEDING.split(";")[:-1]:
            await tx.execute(statement)
        member = (await tx.fetch("SELECT room_id, user_id FROM memberships LIMIT 1"))[0]
        explaining_sql = ExplainingSql(tx)

        await room_queries.room(explaining_sql, as_uuid(member["room_id"]), as_uuid(member["user_id"]))

    assert not re.search(r"(Seq|Hash).* (on|Cond:.*) messages", explaining_sql.plans[0]), explaining_sql.plans
    assert re.search(r"Index Scan .*on messages x\b", explaining_sql.plans[0]), explaining_sql.plans
    assert "messages l" not in explaining_sql.plans[0], explaining_sql.plans


@pytest.mark.parametrize("query", ["w777", "common"])
async def test_a_search_reads_only_matching_rows(explaining_sql, user, rooms, query):
    for room in (None, rooms[0]):
        await search.find(explaining_sql, user_id=user, query=query, room_id=room, limit=50)

        plan = explaining_sql.plans[-1]
        assert not WHOLE.search(plan), plan
        if explaining_sql.dialect == "sqlite":
            assert "SCAN w VIRTUAL TABLE" in plan
            assert "TEMP B-TREE" not in plan
        elif query != "common" and room is None:
            assert "idx_messages_words" in plan
