"""SQL of announcements. Their numbers increase in the order of the commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_datetime, as_uuid


class Pending(NamedTuple):
    """An announcement that an inbox may lack."""

    id: UUID
    number: int
    created_at: datetime


async def insert(
    tx: Sql, announcement_id: UUID, author_id: UUID, texts: tuple[str, str, str | None], at: datetime
) -> int:
    """Store an announcement (title, body, url) and return its number.

    The lock of the table, which readers do not wait for, keeps the numbers in the order of the commits: an
    inbox that has considered number 5 will never find a number 4 that was committed later.
    """
    values = "$1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6"
    if tx.dialect == "postgres":
        await tx.execute("LOCK TABLE announcements IN SHARE ROW EXCLUSIVE MODE")
        values = (
            "$1::uuid, COALESCE(MAX(number), 0) + 1, $2::text, $3::text, $4::text, $5::uuid, $6::timestamptz"
        )
    rows = await tx.fetch(
        "INSERT INTO announcements (id, number, title, body, url, author_id, created_at) "
        f"SELECT {values} FROM announcements RETURNING number",
        *(announcement_id, *texts, author_id, at),
    )
    return int(rows[0]["number"])


async def last_number(sql: Sql) -> int:
    """Return the number of the newest announcement, 0 if there is none."""
    rows = await sql.fetch("SELECT COALESCE(MAX(number), 0) AS number FROM announcements")
    return int(rows[0]["number"])


async def after(sql: Sql, number: int) -> list[Pending]:
    """Return the announcements after a number, ascending."""
    rows = await sql.fetch(
        "SELECT id, number, created_at FROM announcements WHERE number > $1 ORDER BY number", number
    )
    return [Pending(as_uuid(row["id"]), row["number"], as_datetime(row["created_at"])) for row in rows]


async def lacking(sql: Sql, user_ids: Sequence[UUID], number: int) -> list[UUID]:
    """Return which of these users have not considered the announcement with a number."""
    if sql.dialect == "postgres":
        rows = await sql.fetch(
            "SELECT given.id FROM unnest($1::uuid[]) AS given(id) "
            "LEFT JOIN inboxes i ON i.user_id = given.id "
            "WHERE COALESCE(i.announcement_number, 0) < $2",
            list(user_ids),
            number,
        )
    else:
        ids = "[" + ",".join(f'"{each}"' for each in user_ids) + "]"
        rows = await sql.fetch(
            "SELECT given.value AS id FROM json_each($1) AS given LEFT JOIN inboxes i "
            "ON i.user_id = given.value WHERE COALESCE(i.announcement_number, 0) < $2",
            ids,
            number,
        )
    return [as_uuid(row["id"]) for row in rows]


async def next_users(sql: Sql, after_id: UUID, limit: int) -> list[UUID]:
    """Return the next accounts by id that have a session which did not end."""
    rows = await sql.fetch(
        "SELECT id FROM users WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2", after_id, limit
    )
    return [as_uuid(row["id"]) for row in rows]
