"""How long is kept what has ended: sessions, tokens, API keys, jobs, the audit log."""

from datetime import datetime, timedelta

from hubbub.core import clock
from hubbub.db import database, locking
from hubbub.services.jobs import queue

AUDIT_DELETE_BEFORE_KEY = "audit_kept_since"  # asked for by the triggers of the table


async def purge(retention_days: int, audit_retention_days: int) -> None:
    """Delete, in batches, what ended more than `kept_days` ago; tokens as soon as they run out."""
    await queue.purge(retention_days)
    now = clock.now()
    expired_before = (
        clock.expiry_cutoff() - clock.MAX_CLOCK_SKEW
    )  # accepted by no instance, whatever its clock
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
    """Rows of the audit log can be deleted in one way: in a transaction that says up to when."""
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
