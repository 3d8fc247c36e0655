"""How long is kept what has ended: sessions, tokens, API keys, jobs, the audit log."""

from datetime import datetime, timedelta

from hubbub.core import clock
from hubbub.services import database, jobs

BATCH = 500
KEPT_SINCE = "audit_kept_since"  # asked for by the triggers of the table


async def tidy(kept_days: int, audit_days: int) -> None:
    """Delete, in batches, what ended more than `kept_days` ago; tokens as soon as they run out."""
    await jobs.tidy(kept_days)
    now = clock.now()
    before = now - timedelta(days=kept_days)
    await _delete("one_time_tokens", "expires_at <= $1", now)
    await _delete("idempotency_keys", "expires_at <= $1", now)
    await _delete("used_nonces", "expires_at <= $1", now)
    await _delete("api_keys", "expires_at < $1", before)
    await _delete("pending_logins", "expires_at <= $1", now)
    await _delete("handovers", "expires_at <= $1", now)
    await _delete("sessions", "expires_at < $1 OR revoked_at < $1", before)
    await _tidy_audit_log(now - timedelta(days=audit_days))


async def _delete(table: str, which: str, before: object) -> None:
    sql = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {which} LIMIT {BATCH})"
    async with database.guard():
        while await database.connection().execute(sql, before) == BATCH:
            pass


async def _tidy_audit_log(before: datetime) -> None:
    """Rows of the audit log can be deleted in one way: in a transaction that says up to when."""
    sql = f"DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log WHERE at < $1 LIMIT {BATCH})"
    deleted = BATCH
    while deleted == BATCH:
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO state (key, value) VALUES ($1, $2) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                *(KEPT_SINCE, before.isoformat(" ")),
            )
            deleted = await tx.execute(sql, before)
            await tx.execute("DELETE FROM state WHERE key = $1", KEPT_SINCE)
