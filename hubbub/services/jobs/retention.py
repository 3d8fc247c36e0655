"""Removes ended and expired rows: sessions, tokens, API keys, jobs, the audit log. In batches."""

from datetime import datetime, timedelta

from hubbub.core import clock
from hubbub.db import database, locking, stored_values

COMPLETED_RETENTION = timedelta(days=1)  # of jobs
AUDIT_DELETE_BEFORE_KEY = "audit_kept_since"  # read by the triggers of the table


def _expired_before() -> datetime:
    """Return a time before which what expired is accepted by no instance, whatever its clock."""
    return clock.expiry_cutoff() - clock.MAX_CLOCK_SKEW


async def remove_ended_sessions(retention_days: int) -> None:
    """Delete sessions and API keys that ended more than `retention_days` ago, and expired pending logins."""
    before = clock.now() - timedelta(days=retention_days)
    await _delete_where("api_keys", "expires_at < $1", before)
    await _delete_where("pending_logins", "expires_at <= $1", _expired_before())
    await _delete_where("handovers", "expires_at <= $1", _expired_before())
    await _delete_where("sessions", "expires_at < $1 OR revoked_at < $1", before)


async def remove_used_tokens() -> None:
    """Delete tokens, idempotency keys and nonces that expired. Used tokens are deleted at their use."""
    await _delete_where("one_time_tokens", "expires_at <= $1", _expired_before())
    await _delete_where("idempotency_keys", "expires_at <= $1", clock.now())
    await _delete_where("used_nonces", "expires_at <= $1", _expired_before())


async def remove_old_rows(retention_days: int, audit_retention_days: int) -> None:
    """Delete completed jobs after a day, failed ones and audit records after so many days."""
    now = clock.now()
    await _delete_where("jobs", "state = 'done' AND ended_at < $1", now - COMPLETED_RETENTION)
    await _delete_where("jobs", "state = 'dead' AND ended_at < $1", now - timedelta(days=retention_days))
    await _purge_audit_log(now - timedelta(days=audit_retention_days))


async def _delete_where(table: str, condition: str, before: datetime) -> None:
    async with database.guard():
        await locking.delete_all(database.connection(), table, condition, before)


async def _purge_audit_log(before: datetime) -> None:
    """Delete old rows of the audit log. The table only allows it in a transaction that stores the limit."""
    deleted = 1
    while deleted:
        async with database.transaction() as tx:
            await stored_values.put(tx, AUDIT_DELETE_BEFORE_KEY, before.isoformat(" "))
            deleted = await tx.execute(locking.delete_batch(tx, "audit_log", "at < $1"), before)
            await stored_values.delete(tx, AUDIT_DELETE_BEFORE_KEY)
