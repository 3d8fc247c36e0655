"""Last seen: times of the last use, written for many rows at once, late and without blocking others."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid


class Column(NamedTuple):
    """A column that holds the time of the last use."""

    table: str
    name: str


SESSIONS = Column("sessions", "last_seen_at")
API_KEYS = Column("api_keys", "last_used_at")
USERS = Column("users", "last_seen_at")


# One statement is a transaction by itself. A returned row was unlocked, whether it was changed or not.
_WRITE_POSTGRES = (
    "WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS seen(id, at)), "
    "free AS MATERIALIZED (SELECT id FROM {0} WHERE id = ANY($1::uuid[]) "
    "ORDER BY id FOR NO KEY UPDATE SKIP LOCKED), "
    "written AS (UPDATE {0} SET {1} = seen.at FROM seen JOIN free ON free.id = seen.id "
    "WHERE {0}.id = seen.id AND ({0}.{1} IS NULL OR {0}.{1} < seen.at)) SELECT id FROM free"
)


async def write(sql: Sql, column: Column, seen: Mapping[UUID, datetime]) -> list[UUID]:
    """Move times forward, never backward; return the ids of the rows that another transaction had locked.

    Rows are locked by ascending id. `seen` has at most 500 items, so that the statement is short: a logout of
    one of these sessions waits for it.
    """
    table, name = column
    if sql.dialect != "postgres":
        await sql.executemany(
            f"UPDATE {table} SET {name} = $2 WHERE id = $1 AND ({name} IS NULL OR {name} < $2)",
            list(seen.items()),
        )
        return []
    rows = await sql.fetch(_WRITE_POSTGRES.format(table, name), list(seen), list(seen.values()))
    if len(rows) == len(seen):
        return []
    missing = seen.keys() - {as_uuid(row["id"]) for row in rows}
    # Deleted rows are not returned.
    rows = await sql.fetch(f"SELECT id FROM {table} WHERE id = ANY($1::uuid[])", list(missing))
    return [as_uuid(row["id"]) for row in rows]
