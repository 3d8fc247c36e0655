"""Rolls back the log of a database while instances run on it."""

from uuid import UUID

from hubbub import models
from hubbub.db import database

WAIT_S = 10.0


async def delete_entries_after(room_id: str, last_seq: int) -> None:
    """Delete the entries after `last_seq` from the database, as a failover to a late standby does."""
    async with database.transaction() as tx:
        await tx.execute("DELETE FROM entries WHERE room_id = $1 AND seq > $2", UUID(room_id), last_seq)
        await models.Message.filter(room_id=room_id, seq__gt=last_seq).delete()
        await models.Room.filter(id=room_id).update(last_seq=last_seq)


async def epoch_raises() -> list[tuple[str, UUID | None]]:
    """(cause, account) of each time that the epoch was raised, the oldest first."""
    rows = await models.AuditRecord.filter(action="epoch.raise").order_by("id")
    return [(row.facts.partition('"cause":"')[2].partition('"')[0], row.actor_id) for row in rows]
