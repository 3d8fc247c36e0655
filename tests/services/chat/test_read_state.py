"""Read marks and unread counts in rooms with a long history."""

import json
from typing import Any
from uuid import UUID

import pytest

from hubbub import models
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.chat import rooms as room_queries
from tests.support.live_instance import LiveInstance

# $4 messages of the sender $2 in the room $1, from seq $3 on, deleted or not ($5).
INSERT = {
    "postgres": (
        "INSERT INTO messages (id, room_id, sender_id, client_id, seq, body, mentions, attachments, "
        "created_at, deleted_at) SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), $3::int + n, '', '[]', "
        "'[]', now(), CASE WHEN $5 THEN now() END FROM generate_series(0, $4::int - 1) n"
    ),
    "sqlite": (
        "WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < $4 - 1) "
        "INSERT INTO messages (id, room_id, sender_id, client_id, seq, body, mentions, attachments, "
        "created_at, deleted_at) SELECT lower(hex(randomblob(4)) || '-0000-0000-0000-' || "
        "hex(randomblob(6))), $1, $2, lower(hex(randomblob(4)) || '-0000-0000-0000-' || hex(randomblob(6))), "
        "$3 + n, '', '[]', '[]', '2026-01-01 00:00:00+00:00', "
        "CASE WHEN $5 THEN '2026-01-01 00:00:00+00:00' END FROM series"
    ),
}


async def store(sql: Sql, room_id: str, sender_id: str, count: int, *, deleted: bool = False) -> None:
    """Store messages at the end of a room, as fast as the database can."""
    room = await models.Room.get(id=room_id)
    await sql.execute(INSERT[sql.dialect], UUID(room_id), UUID(sender_id), room.last_seq + 1, count, deleted)
    await models.Room.filter(id=room_id).update(last_seq=room.last_seq + count)


async def mention(sql: Sql, room_id: str, user_id: str) -> None:
    """Have each message of a room mention a user."""
    await sql.execute(
        "INSERT INTO mentions (message_id, room_id, seq, user_id) "
        "SELECT id, room_id, seq, $2 FROM messages WHERE room_id = $1",
        UUID(room_id),
        UUID(user_id),
    )


async def everywhere(instance: LiveInstance, name: str, room_id: str) -> list[tuple[int, int]]:
    """(unread, mentions) of a room, in every view."""
    user = instance.users[name]
    client = await user.connect_client()
    tablet = await user.connect_client()
    rooms: list[dict[str, Any]] = [*client.ready["rooms"], *(await client.call("room:list"))["rooms"]]
    rooms.extend((await user.rest("GET", "/rooms"))[1]["data"])
    rooms.append((await user.rest("GET", f"/rooms/{room_id}"))[1]["data"])
    first = next(room["my"]["last_read_seq"] for room in rooms if room["id"] == room_id) + 1
    states = [
        *(room["my"] for room in rooms if room["id"] == room_id),
        await client.call("room:mark_unread", room_id=room_id, seq=first),
        await client.call("room:read", room_id=room_id, seq=0),
        await tablet.next_event("read"),
    ]
    return [(state["unread"], state["mentions"]) for state in states]


@pytest.mark.parametrize(
    ("others", "own", "deleted", "unread"),
    [(0, 5, 5, 0), (999, 5, 5, 999), (1000, 0, 0, 1000), (1001, 3, 0, 1000), (4000, 100, 100, 1000)],
)
async def test_counts_stop_at_a_thousand(instance: LiveInstance, others, own, deleted, unread) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    for client in (ada, bob):
        await client.close()
    sql = database.connection()
    ids = {name: instance.users[name].id for name in ("ada", "bob")}
    await models.Membership.filter(room_id=room_id, user_id=ids["bob"]).update(last_read_seq=2)
    if others:
        await store(sql, room_id, ids["ada"], others)
    await mention(sql, room_id, ids["bob"])
    await store(sql, room_id, ids["bob"], own or 1)
    await store(sql, room_id, ids["ada"], deleted or 1, deleted=True)

    found = await everywhere(instance, "bob", room_id)

    assert found == [(unread, unread)] * 7


async def store_other_rooms(sql: Sql, sender_id: str) -> None:
    """Store small rooms, by which PostgreSQL estimates that each room has few messages."""
    for number in range(30):
        room = await models.Room.create(kind="private", name=f"small {number}")
        await store(sql, str(room.id), sender_id, 100)


@pytest.mark.parametrize(
    ("kind", "small_rooms", "analyzed"),
    [
        ("others", True, True),
        ("others", True, False),
        ("others", False, True),
        ("own", True, True),
        ("deleted", True, True),
    ],
)
async def test_a_count_reads_a_bounded_number_of_messages(
    instance: LiveInstance, kind: str, *, small_rooms: bool, analyzed: bool
) -> None:
    room_id, clients = await instance.room_with_clients("ada", "bob")
    for client in clients:
        await client.close()
    sql = database.connection()
    ids = {name: instance.users[name].id for name in ("ada", "bob")}
    if small_rooms:
        await store_other_rooms(sql, ids["ada"])
    await store(sql, room_id, ids["bob" if kind == "own" else "ada"], 15_000, deleted=kind == "deleted")
    if analyzed:
        # As PostgreSQL does by itself, a while after so many are stored.
        await sql.execute("ANALYZE messages")
    looked = Looked(sql)

    row = await room_queries.room(looked, UUID(room_id), UUID(ids["bob"]))  # type: ignore[arg-type]

    assert row is not None
    assert row.unread == (1000 if kind == "others" else 0)
    assert 0 < looked.rows <= (1100 if kind == "others" else 10_100)
    assert looked.index_entries <= 10_100


async def test_counts_cover_the_newest_ten_thousand_entries(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    for client in (ada, bob):
        await client.close()
    sql = database.connection()
    ids = {name: instance.users[name].id for name in ("ada", "bob")}
    await models.Membership.filter(room_id=room_id, user_id=ids["bob"]).update(last_read_seq=2)
    await store(sql, room_id, ids["ada"], 2)
    await mention(sql, room_id, ids["bob"])
    await store(sql, room_id, ids["bob"], 9_998)
    assert await everywhere(instance, "bob", room_id) == [(2, 2)] * 7

    await models.Membership.filter(room_id=room_id, user_id=ids["bob"]).update(last_read_seq=2)
    await store(sql, room_id, ids["bob"], 1)
    assert await everywhere(instance, "bob", room_id) == [(1, 1)] * 7


class Looked:
    """In the place of a connection: counts the rows of `messages` that a query reads."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self.dialect = sql.dialect
        self.rows = 0
        self.index_entries = 0  # read into a bitmap

    async def fetch(self, text: str, *values: object) -> Any:
        if self.dialect == "postgres":
            plan = await self._sql.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *values)
            self._count(json.loads(plan[0]["QUERY PLAN"])[0]["Plan"])
        else:
            plan = await self._sql.fetch(f"EXPLAIN QUERY PLAN {text}", *values)
            # The limit is in a subquery that runs as a coroutine, which ends with its limit.
            details = [row["detail"] for row in plan]
            assert "CO-ROUTINE counted" in details
            assert any("SEARCH x" in each and "room_id=? AND seq>?" in each for each in details)
            assert not [line for line in details if "TEMP B-TREE" in line or line.startswith("SCAN x")]
            self.rows = 1
        return await self._sql.fetch(text, *values)

    def _count(self, node: dict[str, Any]) -> None:
        if node.get("Relation Name") == "messages":
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            self.rows += int(rows * node["Actual Loops"])
        if node["Node Type"] == "Bitmap Index Scan" and "messages" in node["Index Name"]:
            self.index_entries += int(node["Actual Rows"] * node["Actual Loops"])
        for child in node.get("Plans", ()):
            self._count(child)


@pytest.mark.parametrize(
    ("event", "payload", "hint", "added"),
    [
        ("room:mute", {"muted": True}, "room:muted", {"muted": True}),
        ("room:mute", {"muted": False}, "room:muted", {"muted": False}),
        ("room:read", {"seq": 3}, "read", {"seq": 3, "unread": 2, "mentions": 1}),
        ("room:mark_unread", {"seq": 3}, "read", {"seq": 2, "unread": 3, "mentions": 1}),
        ("room:mark_unread", {"seq": 5}, "read", {"seq": 4, "unread": 1, "mentions": 1}),
    ],
)
async def test_own_changes_reach_the_other_sockets_of_the_user(
    instance: LiveInstance, event: str, payload: dict[str, Any], hint: str, added: dict[str, Any]
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    tablet = await instance.another_client("bob")
    for body in ("one", "two", "three @bob"):
        await ada.send(room_id, body)

    await bob.call(event, room_id=room_id, **payload)

    who = {"user_id": instance.users["bob"].id} if hint == "read" else {}
    assert await tablet.next_event(hint) == {"room_id": room_id, **who, **added}
    for client in (ada, bob):
        await client.synchronize()
    seen_by_others = hint == "read" and event == "room:read"
    assert (bob.count_events(hint), ada.count_events(hint)) == (0, int(seen_by_others))


async def test_a_read_mark_set_over_rest_reaches_all_sockets(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "one")

    status, _ = await instance.users["bob"].rest("POST", f"/rooms/{room_id}/read", json={"seq": sent["seq"]})

    assert status == 200
    received = await bob.next_event("read")
    assert (received["seq"], received["unread"], received["mentions"]) == (sent["seq"], 0, 0)


async def test_a_status_reaches_the_other_sockets_of_the_user(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    phone, tablet = await ada.connect_client(), await ada.connect_client()

    await phone.call("presence:set", status="busy")

    received = await tablet.next_event("presence", lambda it: it["status"] == "busy")
    assert received == {"user_id": ada.id, "status": "busy", "last_seen_at": None}
    late = await ada.connect_client()
    assert (await late.call("presence:get", user_ids=[ada.id]))["presences"] == [received]


@pytest.mark.parametrize("event", ["room:read", "room:mark_unread"])
async def test_a_negative_seq_is_refused_and_changes_nothing(instance: LiveInstance, event: str) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await ada.send(room_id, "one")
    before = (await bob.call("room:list"))["rooms"]

    answer = await bob.call_for_ack(event, room_id=room_id, seq=-1)

    assert (answer["ok"], answer["error"]["code"]) == (False, "invalid_payload")
    assert [field["field"] for field in answer["error"]["fields"]] == ["seq"]
    assert (await bob.call("room:list"))["rooms"] == before
