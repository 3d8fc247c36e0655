"""SQL of claimed jobs: their leases and outcomes. On PostgreSQL all times are those of its machine.

An outcome is stored by the lease that holds the job, or without a lease by a transaction that locked the row.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from hubbub.db import locking
from hubbub.db.sql import Sql, as_datetime, as_uuid, database_delay, database_now, delay_value, in_clause


async def extend(sql: Sql, leases: Collection[UUID], duration_s: float) -> set[UUID]:
    """Extend leases. Returns the ids of the jobs that they hold."""
    if not leases:
        return set()
    held, values = in_clause(sql, leases, 2)
    running = locking.lock_condition(sql, "jobs", f"lease {held} AND state = 'running'")
    text = f"UPDATE jobs SET leased_until = {database_delay(sql, '$1')} WHERE id {running} RETURNING id"
    return {as_uuid(row["id"]) for row in await sql.fetch(text, delay_value(sql, duration_s), values)}


async def any_lost(sql: Sql) -> tuple[bool, datetime]:
    """Return whether the lease of a job has expired, and the time. It does not write."""
    found = await sql.fetch(
        f"SELECT {database_delay(sql, '$1')} AS now, EXISTS (SELECT 1 FROM jobs WHERE {_lost(sql)}) AS lost",
        delay_value(sql, 0.0),
    )
    return bool(found[0]["lost"]), as_datetime(found[0]["now"])


async def shorten_leases(sql: Sql, duration_s: float) -> None:
    """End leases that end later than one that begins now: the clock went back."""
    until = database_delay(sql, "$1")
    later = locking.lock_condition(sql, "jobs", f"state = 'running' AND leased_until > {until}")
    text = f"UPDATE jobs SET leased_until = {until} WHERE id {later}"
    await sql.execute(text, delay_value(sql, duration_s))


async def restart_delays(tx: Sql, tolerance_s: float, limit: int) -> int:
    """Let the delays of jobs begin now that were stored later than now: the clock went back.

    Returns how many; fewer than `limit` if none is left.
    """
    now = await database_now(tx)
    lock = locking.row_lock(tx, "FOR UPDATE SKIP LOCKED")
    found = await tx.fetch(
        f"SELECT id, run_at, created_at FROM jobs WHERE state = 'ready' AND created_at > $1 "
        f"ORDER BY id LIMIT {limit} {lock}",
        now + timedelta(seconds=tolerance_s),
    )
    await tx.executemany(
        "UPDATE jobs SET run_at = $2, created_at = $3 WHERE id = $1",
        [(row["id"], now + _delay(row), now) for row in found],
    )
    return len(found)


def _delay(row: Mapping[str, Any]) -> timedelta:
    return max(as_datetime(row["run_at"]) - as_datetime(row["created_at"]), timedelta(0))


async def lock_lost(tx: Sql, limit: int) -> list[tuple[UUID, str, int]]:
    """Lock jobs whose lease has expired. Returns their ids, kinds and numbers of attempts."""
    lock = locking.row_lock(tx, "FOR UPDATE SKIP LOCKED")
    found = await tx.fetch(
        f"SELECT id, kind, attempts FROM jobs WHERE {_lost(tx)} ORDER BY id LIMIT {limit} {lock}",
        delay_value(tx, 0.0),
    )
    return [(as_uuid(row["id"]), str(row["kind"]), int(row["attempts"])) for row in found]


def _lost(sql: Sql) -> str:
    return f"state = 'running' AND leased_until < {database_delay(sql, '$1')}"


async def end(sql: Sql, job_id: UUID, lease: UUID | None, state: str, error: str | None) -> None:
    """Store that a job is `done` or `dead`."""
    condition, values = _held(job_id, lease, 4)
    await sql.execute(
        f"UPDATE jobs SET state = $1, last_error = $2, ended_at = {database_delay(sql, '$3')}, lease = NULL, "
        f"leased_until = NULL, unique_key = NULL WHERE {condition}",
        *(state, error, delay_value(sql, 0.0), *values),
    )


async def end_all(sql: Sql, held: Sequence[tuple[UUID, UUID]]) -> None:
    """Store that jobs are `done`. Each is given with the lease that must hold it."""
    if sql.dialect == "postgres":
        pairs = "SELECT * FROM unnest($2::uuid[], $3::uuid[])"
        values: list[object] = [list(column) for column in zip(*held, strict=True)]
    else:
        pairs = f"VALUES {', '.join(f'(${2 + 2 * each}, ${3 + 2 * each})' for each in range(len(held)))}"
        values = [value for pair in held for value in pair]
    running = locking.lock_condition(sql, "jobs", f"(id, lease) IN ({pairs}) AND state = 'running'")
    await sql.execute(
        f"UPDATE jobs SET state = 'done', last_error = NULL, ended_at = {database_delay(sql, '$1')}, "
        f"lease = NULL, leased_until = NULL, unique_key = NULL WHERE id {running}",
        *(delay_value(sql, 0.0), *values),
    )


async def retry(sql: Sql, job_id: UUID, lease: UUID | None, delay: float, error: str) -> None:
    """Make a job due again in `delay` seconds."""
    condition, values = _held(job_id, lease, 3)
    await sql.execute(
        f"UPDATE jobs SET state = 'ready', last_error = $1, run_at = {database_delay(sql, '$2')}, "
        f"lease = NULL, leased_until = NULL WHERE {condition}",
        *(error, delay_value(sql, delay), *values),
    )


async def save_progress(sql: Sql, job_id: UUID, lease: UUID, payload: str, version: int) -> None:
    """Store another payload of a job. It is due at once, with all attempts."""
    condition, values = _held(job_id, lease, 4)
    await sql.execute(
        f"UPDATE jobs SET state = 'ready', payload = $1, version = $3, run_at = {database_delay(sql, '$2')}, "
        f"attempts = 0, last_error = NULL, lease = NULL, leased_until = NULL WHERE {condition}",
        *(payload, delay_value(sql, 0.0), version, *values),
    )


async def release(sql: Sql, job_id: UUID, lease: UUID) -> None:
    """Make a job that is held by a lease due at once. The run is no attempt."""
    condition, values = _held(job_id, lease, 2)
    await sql.execute(
        f"UPDATE jobs SET state = 'ready', run_at = {database_delay(sql, '$1')}, attempts = attempts - 1, "
        f"lease = NULL, leased_until = NULL WHERE {condition}",
        *(delay_value(sql, 0.0), *values),
    )


def _held(job_id: UUID, lease: UUID | None, first: int) -> tuple[str, list[object]]:
    """Return a condition on a running job, and its values from `$first` on."""
    condition = f"id = ${first} AND state = 'running'"
    if lease is None:
        return condition, [job_id]
    return f"{condition} AND lease = ${first + 1}", [job_id, lease]
