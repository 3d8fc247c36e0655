"""SQL that stores and cancels jobs. On PostgreSQL all times are those of its machine."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db import locking
from hubbub.db.sql import Sql, database_delay, placeholders


class JobRow(NamedTuple):
    """A new row, in the order of the placeholders of `_insert`."""

    id: UUID
    queue: str
    kind: str
    version: int
    payload: str
    priority: int
    due: float | datetime  # by `delay_value`, like the next
    created: float | datetime
    unique_key: str | None


def _insert(sql: Sql) -> str:
    return (
        "INSERT INTO jobs (id, queue, kind, version, payload, priority, run_at, created_at, unique_key) "
        f"VALUES ($1, $2, $3, $4, $5, $6, {database_delay(sql, '$7')}, {database_delay(sql, '$8')}, $9) "
        "ON CONFLICT DO NOTHING"
    )


async def insert(sql: Sql, row: JobRow) -> bool:
    """Store a job. Returns False if another one has its unique key."""
    return bool(await sql.execute(_insert(sql), *row))


async def insert_all(sql: Sql, new: Sequence[JobRow]) -> None:
    """Store jobs, without those whose unique key another one has.

    Another transaction may hold some of the keys: they are taken in one order.
    """
    if new:
        ordered: list[JobRow] = sorted(new, key=lambda row: row.unique_key or "")
        await sql.executemany(_insert(sql), ordered)


async def delete_by_key(sql: Sql, unique_keys: Sequence[str]) -> int:
    """Delete the jobs with these keys that have not begun to run. Returns how many."""
    if not unique_keys:
        return 0
    if sql.dialect == "postgres":
        keys, values = "= ANY($1)", list[object]([list(unique_keys)])
    else:
        keys, values = f"IN ({placeholders(len(unique_keys))})", [*unique_keys]
    ready = locking.lock_condition(sql, "jobs", f"unique_key {keys} AND state = 'ready'", for_delete=True)
    return await sql.execute(f"DELETE FROM jobs WHERE id {ready} AND state = 'ready'", *values)
