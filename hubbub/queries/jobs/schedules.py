"""SQL of schedules and of leases. On PostgreSQL all times are those of its machine."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, database_delay, delay_value

KEPT_RUNS = 100  # of each schedule


class Choice(NamedTuple):
    """What an admin chose for a schedule; None: that of the setting."""

    enabled: bool | None = None
    cron: str | None = None


async def take_lease(sql: Sql, name: str, run: UUID, instance_id: str, duration_s: float) -> bool:
    """Take or extend a lease. Returns False while another process holds it.

    One that ends later than a lease can was taken before the clock went back: it has no holder.
    """
    found = await sql.fetch(
        "INSERT INTO leases (name, run, instance_id, expires_at) "
        f"VALUES ($1, $2, $3, {database_delay(sql, '$4')}) ON CONFLICT (name) DO UPDATE "
        "SET run = excluded.run, instance_id = excluded.instance_id, expires_at = excluded.expires_at "
        f"WHERE leases.run = excluded.run OR leases.expires_at < {database_delay(sql, '$5')} "
        f"OR leases.expires_at > {database_delay(sql, '$6')} RETURNING name",
        *(name, run, instance_id, delay_value(sql, duration_s)),
        *(delay_value(sql, 0.0), delay_value(sql, 2 * duration_s)),
    )
    return bool(found)


async def release_lease(sql: Sql, name: str, run: UUID) -> None:
    """Give a lease back, so that another process need not wait for its end."""
    await sql.execute("DELETE FROM leases WHERE name = $1 AND run = $2", name, run)


async def lease_holder(sql: Sql, name: str) -> str | None:
    """Return the id of the instance that holds a lease, or None."""
    found = await sql.fetch(
        f"SELECT instance_id FROM leases WHERE name = $1 AND expires_at >= {database_delay(sql, '$2')}",
        *(name, delay_value(sql, 0.0)),
    )
    return str(found[0]["instance_id"]) if found else None


async def store_plan(sql: Sql, name: str, plan: str, handled_until: datetime) -> None:
    """Store another plan of a schedule. No run before `handled_until` is made up."""
    await sql.execute(
        "INSERT INTO schedules (name, plan, handled_until) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE "
        "SET plan = excluded.plan, handled_until = excluded.handled_until",
        *(name, plan, handled_until),
    )


async def store_choice(sql: Sql, name: str, choice: Choice, plan: str, handled_until: datetime) -> None:
    """Store what an admin chose for a schedule, and the plan that follows from it."""
    await store_plan(sql, name, plan, handled_until)
    await sql.execute("UPDATE schedules SET enabled = $2, cron = $3 WHERE name = $1", name, *choice)


async def advance(sql: Sql, name: str, before: datetime, until: datetime) -> bool:
    """Mark the runs of a schedule up to `until` as handled. Returns False if another process was faster."""
    text = "UPDATE schedules SET handled_until = $3 WHERE name = $1 AND handled_until = $2"
    return bool(await sql.execute(text, name, before, until))


async def delete_old_runs(sql: Sql, name: str) -> None:
    """Delete the oldest runs of a schedule beyond those that are kept."""
    await sql.execute(
        "DELETE FROM schedule_runs WHERE schedule = $1 AND id NOT IN "
        f"(SELECT id FROM schedule_runs WHERE schedule = $1 ORDER BY id DESC LIMIT {KEPT_RUNS})",
        name,
    )
