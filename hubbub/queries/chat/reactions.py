"""The counted reactions to messages."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid, in_clause


class ReactionRow(NamedTuple):
    """The number of users of an emoji for a message, and whether the viewer is one of them."""

    message_id: UUID
    emoji: str
    users: int
    by_viewer: bool


async def counted(sql: Sql, message_ids: Iterable[UUID], viewer_id: UUID | None) -> list[ReactionRow]:
    """Return the counted reactions to messages; of each message in the order of their first use."""
    where, ids = in_clause(sql, message_ids)
    rows = await sql.fetch(
        "SELECT message_id, emoji, count(*) AS count, max(CASE WHEN user_id = $2 THEN 1 ELSE 0 END) AS mine "
        f"FROM reactions WHERE message_id {where} GROUP BY message_id, emoji ORDER BY min(CAST(id AS text))",
        ids,
        viewer_id,
    )
    return [
        ReactionRow(as_uuid(row["message_id"]), row["emoji"], row["count"], bool(row["mine"])) for row in rows
    ]
