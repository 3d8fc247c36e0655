"""Stored bytes to which no file of an upload refers."""

from datetime import datetime
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid


async def object_ids(sql: Sql, before: datetime, limit: int) -> list[UUID]:
    """Return the ids of bytes without a file that were stored before a time, at most `limit`.

    Includes bytes of uploads that were aborted. Those that are removed already are left out.
    """
    rows = await sql.fetch(
        "SELECT o.id FROM stored_objects o WHERE o.created_at < $1 AND o.removed_at IS NULL "
        "AND NOT EXISTS (SELECT 1 FROM upload_files f WHERE f.stored_object_id = o.id) LIMIT $2",
        before,
        limit,
    )
    return [as_uuid(row["id"]) for row in rows]
