"""The space that the uploads of a user take."""

from uuid import UUID

from hubbub.db.sql import Sql


async def total_bytes(sql: Sql, user_id: UUID) -> int:
    """Return the size of all uploads of a user, without their thumbnails."""
    rows = await sql.fetch(
        "SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) AS total FROM uploads WHERE user_id = $1", user_id
    )
    return int(rows[0]["total"])
