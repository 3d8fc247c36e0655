"""Removes deleted items for good, with their words and their references to uploads.

The schedule UPLOADS finds the uploads that nothing refers to any more.
"""

from datetime import datetime
from uuid import UUID

from hubbub.db.locking import MAX_LOCKED_ROWS, lock_condition
from hubbub.db.sql import Sql, as_uuid, in_clause
from hubbub.queries.portfolio import search
from hubbub.schemas.portfolio.resource import Resource


async def remove_deleted(tx: Sql, resource: Resource, before: datetime) -> int:
    """Remove a batch of the items that were deleted before a time; return their number.

    Those that another transaction holds, as one that restores them, are left to the next run.
    """
    found = f"SELECT id FROM {resource.table} WHERE deleted_at < $1 LIMIT {MAX_LOCKED_ROWS}"
    return await _remove(tx, resource, f"id IN ({found}) AND deleted_at < $1", before)


async def remove_surplus(tx: Sql, resource: Resource, user_id: UUID, kept: int) -> int:
    """Remove deleted items of a user but the last `kept`, at most a batch, with a locked portfolio."""
    found = (
        f"SELECT id FROM {resource.table} WHERE user_id = $1 AND deleted_at IS NOT NULL "
        f"ORDER BY deleted_at DESC, id DESC LIMIT {MAX_LOCKED_ROWS} OFFSET {kept}"
    )
    return await _remove(tx, resource, f"id IN ({found}) AND user_id = $1", user_id)


async def _remove(tx: Sql, resource: Resource, where: str, value: object) -> int:
    rows = lock_condition(tx, resource.table, where, skip_locked=True, for_delete=True)
    deleted = await tx.fetch(f"DELETE FROM {resource.table} WHERE id {rows} RETURNING id", value)
    ids = [as_uuid(row["id"]) for row in deleted]
    if ids:
        await search.remove(tx, ids)
        targets, values = in_clause(tx, ids, 2)
        await tx.execute(
            f"DELETE FROM upload_references WHERE kind = $1 AND target_id {targets}", resource.name, values
        )
    return len(ids)
