"""Running processes of hubbub: their rows, written and read only by the clock of the database."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_datetime, as_uuid, placeholders

LOCK_KEY = 0x48554243  # an arbitrary number, the same for all processes that register
# The clocks of two machines may differ. Each database has one clock.
_NOW = {"postgres": "clock_timestamp()", "sqlite": "strftime('%Y-%m-%d %H:%M:%f+00:00', 'now')"}
_AGE = {
    "postgres": "extract(epoch FROM clock_timestamp() - seen_at)::float8",
    "sqlite": "(julianday('now') - julianday(seen_at)) * 86400.0",
}


class Registration(NamedTuple):
    """The row that a process writes for itself."""

    run: UUID
    id: str
    kind: str
    key_fingerprint: str
    version: str
    inline_workers: bool
    uses_redis: bool
    untrusted_proxy: str | None = None


class ProcessRow(NamedTuple):
    """A row. `age_s` is the time since it was written, in seconds."""

    run: UUID
    id: str
    kind: str
    key_fingerprint: str
    version: str
    inline_workers: bool
    uses_redis: bool
    untrusted_proxy: str | None
    started_at: datetime
    seen_at: datetime
    age_s: float


_COLUMNS = ", ".join(Registration._fields)
_VALUES = placeholders(len(Registration._fields))


async def lock(tx: Sql) -> None:
    """Lock registrations until the transaction ends. SQLite has one writer and needs no lock."""
    if tx.dialect == "postgres":
        await tx.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)


async def write(sql: Sql, registration: Registration) -> None:
    """Insert the row of a process, or renew it. One statement."""
    now = _NOW[sql.dialect]
    await sql.execute(
        f"INSERT INTO processes ({_COLUMNS}, started_at, seen_at) VALUES ({_VALUES}, {now}, {now}) "
        f"ON CONFLICT (run) DO UPDATE SET seen_at = {now}, untrusted_proxy = excluded.untrusted_proxy",
        *registration,
    )


async def read(sql: Sql) -> list[ProcessRow]:
    """Return all rows, expired ones included, in the order of their starts."""
    rows = await sql.fetch(
        f"SELECT {_COLUMNS}, started_at, seen_at, {_AGE[sql.dialect]} AS age FROM processes "
        "ORDER BY started_at, run"
    )
    return [
        ProcessRow(
            as_uuid(row["run"]),
            row["id"],
            row["kind"],
            row["key_fingerprint"],
            row["version"],
            bool(row["inline_workers"]),
            bool(row["uses_redis"]),
            row["untrusted_proxy"],
            as_datetime(row["started_at"]),
            as_datetime(row["seen_at"]),
            row["age"],
        )
        for row in rows
    ]


async def remove(sql: Sql, run: UUID) -> None:
    """Delete the row of a process."""
    await sql.execute("DELETE FROM processes WHERE run = $1", run)


async def remove_older(sql: Sql, max_age_s: float) -> None:
    """Delete rows that were last written at least `max_age_s` seconds ago."""
    await sql.execute(f"DELETE FROM processes WHERE {_AGE[sql.dialect]} >= $1", max_age_s)


async def remove_all(sql: Sql) -> None:
    """Delete all rows. For a process that is known to be the only one."""
    await sql.execute("DELETE FROM processes")
