"""SQL by which workers find and claim due jobs. On PostgreSQL all times are those of its machine.

The due jobs of each kind and priority are found by the index `idx_jobs_ready`. One query for all kinds would
sort all due jobs, and one without the priority would read all delayed ones.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.db.sql import Sql, as_datetime, as_uuid, delay_value


class Slots(NamedTuple):
    """How many jobs of one kind may be claimed."""

    kind: str
    queue: str  # nothing is claimed while it is paused
    version: int  # the newest that is claimed
    free: int


class ClaimedRow(NamedTuple):
    """A claimed job."""

    id: UUID
    kind: str
    version: int
    payload: str
    attempts: int  # with the present one


_FOUND_POSTGRES = """
    FROM unnest($1::text[], $2::text[], $3::int[], $4::int[]) AS slots (kind, queue, version, free)
    CROSS JOIN unnest($5::int[]) AS level (priority)
    CROSS JOIN LATERAL (
        SELECT id, run_at FROM jobs
        WHERE state = 'ready' AND kind = slots.kind AND priority = level.priority
        AND version <= slots.version {due} ORDER BY run_at LIMIT {limit}
    ) AS job
    WHERE NOT EXISTS (SELECT 1 FROM job_queues WHERE name = slots.queue AND paused)
"""
_DUE_POSTGRES = "SELECT job.id, job.run_at, level.priority, slots.kind, slots.free" + _FOUND_POSTGRES.format(
    due="AND run_at <= now()", limit="slots.free FOR UPDATE SKIP LOCKED"
)
_NEXT_POSTGRES = (
    "SELECT CAST(EXTRACT(EPOCH FROM min(job.run_at) - now()) AS float8) AS seconds"
    + _FOUND_POSTGRES.format(due="", limit="1")
)
_CLAIM = """
    WITH due AS {materialized} ({due}), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY kind ORDER BY priority, run_at) AS place FROM due
    ), picked AS (
        SELECT id FROM ranked WHERE place <= free ORDER BY priority, run_at LIMIT {limit}
    )
    UPDATE jobs SET state = 'running', attempts = attempts + 1, lease = {lease}, leased_until = {until}
    WHERE id {ids} RETURNING id, kind, version, payload, attempts, priority, run_at
"""
_CLAIM_POSTGRES = _CLAIM.format(
    materialized="MATERIALIZED",
    due=_DUE_POSTGRES,
    limit="$6",
    lease="$7",
    until="now() + make_interval(secs => $8)",
    ids="= ANY(ARRAY(SELECT id FROM picked))",
)


async def claim(
    sql: Sql, slots: Sequence[Slots], priorities: Sequence[int], limit: int, lease: "Lease"
) -> list[ClaimedRow]:
    """Claim up to `limit` due jobs, and return them in the order of priority and time. One statement."""
    if sql.dialect == "postgres":
        columns = _columns(slots, priorities)
        found = await sql.fetch(_CLAIM_POSTGRES, *columns, limit, lease.id, lease.duration_s)
    else:
        text = _CLAIM.format(
            materialized="",
            due=_found_sqlite(slots, priorities, first=5, due="AND run_at <= $1", limit="{free}"),
            limit="$2",
            lease="$3",
            until="$4",
            ids="IN (SELECT id FROM picked)",
        )
        times = delay_value(sql, 0.0), delay_value(sql, lease.duration_s)
        found = await sql.fetch(text, times[0], limit, lease.id, times[1], *_flat(slots))
    return [
        ClaimedRow(as_uuid(row["id"]), row["kind"], row["version"], row["payload"], row["attempts"])
        for row in sorted(found, key=lambda row: (row["priority"], row["run_at"]))
    ]


class Lease(NamedTuple):
    """By what a worker holds the jobs of one claim."""

    id: UUID
    duration_s: float


async def next_due_s(sql: Sql, slots: Sequence[Slots], priorities: Sequence[int]) -> float | None:
    """Return in how many seconds a job that may be claimed is due, at most 0 if one is; None without one."""
    if sql.dialect == "postgres":
        seconds = (await sql.fetch(_NEXT_POSTGRES, *_columns(slots, priorities)))[0]["seconds"]
        return None if seconds is None else float(seconds)
    found = _found_sqlite(slots, priorities, first=1, due="", limit="1")
    text = f"SELECT min(run_at) AS run_at FROM ({found})"
    earliest = (await sql.fetch(text, *_flat(slots)))[0]["run_at"]
    return None if earliest is None else (as_datetime(earliest) - clock.now()).total_seconds()


def _columns(slots: Sequence[Slots], priorities: Sequence[int]) -> tuple[list[object], ...]:
    """Return the first values of the queries for PostgreSQL."""
    return (*(list(column) for column in zip(*slots, strict=True)), list(priorities))


def _flat(slots: Sequence[Slots]) -> list[object]:
    """Return the values of the kinds for SQLite."""
    return [value for each in slots for value in each]


def _found_sqlite(
    slots: Sequence[Slots], priorities: Sequence[int], *, first: int, due: str, limit: str
) -> str:
    """Return a query for the jobs of each kind and priority. The values of the kinds begin with `$first`."""
    parts = []
    for number in range(len(slots)):
        kind, queue, version, free = (f"${first + 4 * number + offset}" for offset in range(4))
        parts += [
            f"SELECT * FROM (SELECT id, run_at, priority, kind, {free} AS free FROM jobs "
            f"WHERE state = 'ready' AND kind = {kind} AND priority = {priority} "
            f"AND version <= {version} {due} AND NOT EXISTS "
            f"(SELECT 1 FROM job_queues WHERE name = {queue} AND paused) "
            f"ORDER BY run_at LIMIT {limit.format(free=free)})"
            for priority in priorities
        ]
    return " UNION ALL ".join(parts)
