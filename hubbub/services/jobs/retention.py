"""How long is kept what has ended: sessions, tokens, API keys, jobs, the audit log."""

from datetime import datetime, timedelta

from hubbub.core import clock
from hubbub.db import database, locking
from hubbub.services.jobs import queue

KEPT_SINCE = "audit_kept_since"  # asked for by the triggers of the table


async def tidy(kept_days: int, audit_days: int) -> None:
    """Delete, in batches, what ended more than `kept_days` ago; tokens as soon as they run out."""
    await queue.purge(kept_days)
    now = clock.now()
    ended = clock.oldest_end() - clock.SKEW  # accepted by no instance, whatever its clock
    before = now - timedelta(days=kept_days)
    await _delete("one_time_tokens", "expires_at <= $1", ended)
    await _delete("idempotency_keys", "expires_at <= $1", now)
    await _delete("used_nonces", "expires_at <= $1", ended)
    await _delete("api_keys", "expires_at < $1", before)
    await _delete("pending_logins", "expires_at <= $1", ended)
    await _delete("handovers", "expires_at <= $1", ended)
    await _delete("sessions", "expires_at < $1 OR revoked_at < $1", before)
    await _tidy_audit_log(now - timedelta(days=audit_days))


async def _delete(table: str, which: str, before: object) -> None:
    async with database.guard():
        sql = database.connection()
        while await sql.execute(locking.delete_some(sql, table, which), before):
            pass


async def _tidy_audit_log(before: datetime) -> None:
    """Rows of the audit log can be deleted in one way: in a transaction that says up to when."""
    deleted = 1
    while deleted:
        async with database.transaction() as tx:
            await tx.execute(
                "INSERT INTO state (key, value) VALUES ($1, $2) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                *(KEPT_SINCE, before.isoformat(" ")),
            )
            deleted = await tx.execute(locking.delete_some(tx, "audit_log", "at < $1"), before)
            await tx.execute("DELETE FROM state WHERE key = $1", KEPT_SINCE)
