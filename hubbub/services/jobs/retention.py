"""Removes ended and expired rows: sessions, tokens, API keys, jobs, the audit log."""

from datetime import datetime, timedelta

from hubbub.core import clock
from hubbub.db import database, locking
from hubbub.services.jobs import queue

AUDIT_DELETE_BEFORE_KEY = "audit_kept_since"  # read by the triggers of the table


async def purge(retention_days: int, audit_retention_days: int) -> None:
    """Delete, in batches, rows that ended more than `retention_days` ago; tokens when they expire."""
    await queue.purge(retention_days)
    now = clock.now()
    # No instance accepts them any more, whatever its clock.
    expired_before = clock.expiry_cutoff() - clock.MAX_CLOCK_SKEW
    before = now - timedelta(days=retention_days)
    await _delete_where("one_time_tokens", "expires_at <= $1", expired_before)
    await _delete_where("idempotency_keys", "expires_at <= $1", now)
    await _delete_where("used_nonces", "expires_at <= $1", expired_before)
    await _delete_where("api_keys", "expires_at < $1", before)
    await _delete_where("pending_logins", "expires_at <= $1", expired_before)
    await _delete_where("handovers", "expires_at <= $1", expired_before)
    await _delete_where("sessions", "expires_at < $1 OR revoked_at < $1", before)
    await _purge_audit_log(now - timedelta(days=audit_retention_days))


async def _delete_where(table: str, condition: str, before: object) -> None:
    async with database.guard():
        sql = database.connection()
        while await sql.execute(locking.delete_batch(sql, table, condition), before):
            pass


async def _purge_audit_log(before: datetime) -> None:
    """Delete old rows of the audit log. The table only allows it in a transaction that stores the limit."""
    deleted = 1
    while deleted:
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO state (key, value) VALUES ($1, $2) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                *(AUDIT_DELETE_BEFORE_KEY, before.isoformat(" ")),
            )
            deleted = await tx.execute(locking.delete_batch(tx, "audit_log", "at < $1"), before)
            await tx.execute("DELETE FROM state WHERE key = $1", AUDIT_DELETE_BEFORE_KEY)
