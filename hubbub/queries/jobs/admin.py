"""SQL by which admins change jobs. On PostgreSQL all times are those of its machine."""

from datetime import datetime
from uuid import UUID

from hubbub.db import locking
from hubbub.db.sql import Sql, database_delay, delay_value


async def set_paused(tx: Sql, queue: str, *, paused: bool) -> bool:
    """Pause or resume a queue. Returns False if nothing changed."""
    return bool(
        await tx.execute(
            "INSERT INTO job_queues (name, paused) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE "
            "SET paused = excluded.paused WHERE job_queues.paused <> excluded.paused",
            *(queue, paused),
        )
    )


async def cancel(tx: Sql, queue: str, job_id: UUID) -> str | None:
    """Delete a job that has not begun to run. Returns its kind, or None without such a job."""
    found = await tx.fetch(
        "DELETE FROM jobs WHERE id = $1 AND queue = $2 AND state = 'ready' RETURNING kind", job_id, queue
    )
    return str(found[0]["kind"]) if found else None


def _set_ready(sql: Sql) -> str:
    """Return the start of a statement that makes failed jobs due, by the time in `$1`."""
    due = database_delay(sql, "$1")
    return f"UPDATE jobs SET state = 'ready', attempts = 0, ended_at = NULL, run_at = {due} "


async def retry(tx: Sql, queue: str, job_id: UUID) -> str | None:
    """Make a failed job due. Returns its kind, or None without such a job."""
    found = await tx.fetch(
        f"{_set_ready(tx)} WHERE id = $2 AND queue = $3 AND state = 'dead' RETURNING kind",
        *(delay_value(tx, 0.0), job_id, queue),
    )
    return str(found[0]["kind"]) if found else None


async def retry_batch(tx: Sql, queue: str, kind: str | None) -> int:
    """Make some failed jobs of a queue, or of one kind, due. Returns how many; 0 when none is left."""
    values = [queue] if kind is None else [queue, kind]
    failed = f"queue = $2 {'' if kind is None else 'AND kind = $3'} AND state = 'dead'"
    found = locking.lock_condition(
        tx, "jobs", f"id IN (SELECT id FROM jobs WHERE {failed} LIMIT {locking.MAX_LOCKED_ROWS}) AND {failed}"
    )
    return await tx.execute(f"{_set_ready(tx)} WHERE id {found}", delay_value(tx, 0.0), *values)


async def delete_batch(tx: Sql, queue: str, state: str, before: datetime) -> int:
    """Delete some jobs in a state that ended before a time. Returns how many; 0 when none is left."""
    condition = f"state = '{state}' AND queue = $2 AND ended_at <= $1"
    return await tx.execute(locking.delete_batch(tx, "jobs", condition), before, queue)
