"""Handwritten SQL on both databases, beside the models."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database, errors
from hubbub.db.sql import as_datetime, as_uuid

WHOLE = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EXACT = datetime(2026, 11, 21, 12, 0, 0, 123000, tzinfo=UTC)
INSERT = (
    "INSERT INTO rooms (id, kind, name, topic, created_at, last_seq, first_seq, member_count, "
    "member_version, last_entry_at, archived_at) VALUES ($1, $2, $3, '', $4, 7, 1, 0, 0, $4, NULL)"
)


def _room(at=EXACT, name=None):
    return [ids.uuid7(), "public", name, at]


@pytest.mark.parametrize("at", [WHOLE, EXACT])
async def test_rows_written_with_sql_are_read_by_models(sql, at):
    row = _room(at, "lobby")

    count = await sql.execute(INSERT, *row)
    room = await models.Room.get(id=row[0], created_at=at)

    assert count == 1
    assert (room.id, room.name, room.created_at, room.last_seq, room.archived_at) == (
        row[0],
        "lobby",
        at,
        7,
        None,
    )


@pytest.mark.parametrize("at", [WHOLE, EXACT])
async def test_rows_written_by_models_are_read_with_sql(sql, at):
    room = await models.Room.create(kind="public", name="lobby", created_at=at, last_entry_at=at)

    rows = await sql.fetch("SELECT * FROM rooms WHERE id = $1 AND created_at = $2", room.id, at)

    assert [as_uuid(row["id"]) for row in rows] == [room.id]
    assert as_datetime(rows[0]["created_at"]) == at
    assert as_datetime(rows[0]["created_at"]).tzinfo is UTC
    assert rows[0]["archived_at"] is None


async def test_times_compare_correctly_whoever_wrote_them(sql):
    times = [WHOLE, WHOLE + timedelta(milliseconds=1), WHOLE + timedelta(seconds=1)]
    for at in times:
        await sql.execute(INSERT, *_room(at))
        await models.Room.create(kind="public", created_at=at, last_entry_at=at)

    rows = await sql.fetch("SELECT created_at FROM rooms ORDER BY created_at")
    later = await models.Room.filter(created_at__gt=times[0]).count()
    last = await sql.fetch("SELECT 1 FROM rooms WHERE created_at >= $1", times[2])

    assert [as_datetime(row["created_at"]) for row in rows] == [at for at in times for _ in range(2)]
    assert (later, len(last)) == (4, 2)


async def test_a_time_of_another_zone_is_the_same_instant(sql):
    await sql.execute(INSERT, *_room(EXACT.astimezone(timezone(timedelta(hours=5)))))

    rows = await sql.fetch("SELECT created_at FROM rooms WHERE created_at = $1", EXACT)

    assert as_datetime(rows[0]["created_at"]) == EXACT


async def test_booleans_are_returned_as_booleans(sql):
    user = await models.User.create(username="ada", email="ada@example.org", display_name="Ada")
    room = await models.Room.create(kind="public")
    await sql.execute(
        "INSERT INTO memberships (id, room_id, user_id, role, joined_at, last_read_seq, muted) "
        "VALUES ($1, $2, $3, 'member', $4, 0, $5)",
        ids.uuid7(),
        room.id,
        user.id,
        clock.now(),
        True,
    )

    rows = await sql.fetch("SELECT muted FROM memberships WHERE muted = $1", True)

    assert [bool(row["muted"]) for row in rows] == [True]
    assert (await models.Membership.get(user_id=user.id)).muted is True


async def test_a_placeholder_may_be_used_twice_and_in_any_order(sql):
    rows = await sql.fetch("SELECT $2::text || $1::text || $2::text AS text" if sql.dialect == "postgres"
                           else "SELECT $2 || $1 || $2 AS text", "b", "a")  # fmt: skip

    assert rows[0]["text"] == "aba"


async def test_affected_rows_are_counted(sql):
    for name in ("a", "b", "c"):
        await sql.execute(INSERT, *_room(name=name))

    counts = [
        await sql.execute("UPDATE rooms SET topic = 'x' WHERE name <> $1", "a"),
        await sql.execute("UPDATE rooms SET topic = 'x' WHERE name = $1", "nobody"),
        await sql.execute("DELETE FROM rooms"),
    ]

    assert counts == [2, 0, 3]


async def test_many_rows_are_written_completely_or_not_at_all(sql):
    rows = [_room(), _room(), _room()]

    await sql.executemany(INSERT, rows)
    with pytest.raises(Exception, match="(?i)unique") as caught:  # noqa: RUF043 - as a flag
        await sql.executemany(INSERT, [_room(), rows[0]])

    assert errors.is_duplicate(caught.value)
    assert await models.Room.all().count() == 3


async def test_many_rows_of_a_transaction_roll_back_with_it(sql):
    async with database.transaction() as tx:
        await tx.executemany(INSERT, [_room(), _room()])
        inside = await models.Room.all().count()
        with pytest.raises(ValueError, match="enough"):  # noqa: PT012 - a transaction is a block
            async with database.transaction() as nested:
                await nested.executemany(INSERT, [_room()])
                raise ValueError("enough")

    assert (inside, await models.Room.all().count()) == (2, 2)


async def test_an_empty_list_of_rows_is_no_error(sql):
    await sql.executemany(INSERT, [])

    assert await models.Room.all().count() == 0


async def test_ids_are_returned_as_uuids():
    one = ids.uuid7()

    assert as_uuid(one) is one
    assert as_uuid(str(one)) == one
    assert type(as_uuid(_Other(one.int))) is UUID


class _Other:
    """asyncpg's own UUID, as far as it matters."""

    def __init__(self, value):
        self.int = value


def test_times_are_returned_in_utc():
    assert as_datetime("2026-11-21 12:00:00.123000+00:00") == EXACT
    assert as_datetime("2026-11-21 12:00:00") == WHOLE
    assert as_datetime(EXACT) == EXACT
