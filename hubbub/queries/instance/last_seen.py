"""When rows were last used, written for many at once: late, and never in the way of another transaction."""

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


# One statement, which is a transaction by itself. A row that is returned was free, whether it changed or not.
_WRITE_POSTGRES = (
    "WITH seen AS (SELECT * FROM unnest($1::uuid[], $2::timestamptz[]) AS seen(id, at)), "
    "free AS MATERIALIZED (SELECT id FROM {0} WHERE id = ANY($1::uuid[]) "
    "ORDER BY id FOR NO KEY UPDATE SKIP LOCKED), "
    "written AS (UPDATE {0} SET {1} = seen.at FROM seen JOIN free ON free.id = seen.id "
    "WHERE {0}.id = seen.id AND ({0}.{1} IS NULL OR {0}.{1} < seen.at)) SELECT id FROM free"
)


async def write(sql: Sql, column: Column, seen: Mapping[UUID, datetime]) -> list[UUID]:
    """Move times forward, never back; returns the ids of the rows that another transaction held.

    Rows are locked by ascending id. `seen`: at most 500, so that the statement is short: a log-out of one of
    these sessions waits for it.
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
    # Those that were deleted are not found.
    rows = await sql.fetch(f"SELECT id FROM {table} WHERE id = ANY($1::uuid[])", list(missing))
    return [as_uuid(row["id"]) for row in rows]
