"""How long is kept what has ended: sessions, tokens, jobs."""

from datetime import timedelta

from hubbub.core import clock
from hubbub.services import database, jobs

BATCH = 500


async def tidy(kept_days: int) -> None:
    """Delete, in batches, what ended more than `kept_days` ago; tokens as soon as they run out."""
    await jobs.tidy(kept_days)
    now = clock.now()
    before = now - timedelta(days=kept_days)
    await _delete("one_time_tokens", "expires_at <= $1", now)
    await _delete("sessions", "expires_at < $1 OR revoked_at < $1", before)


async def _delete(table: str, which: str, before: object) -> None:
    sql = f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {which} LIMIT {BATCH})"
    async with database.guard():
        while await database.connection().execute(sql, before) == BATCH:
            pass
