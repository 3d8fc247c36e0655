"""The rooms of users who connect at the same time, by one statement."""

from collections.abc import Sequence
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid, in_clause
from hubbub.queries.chat import conversations
from hubbub.queries.chat.rooms import COUNTED_COLUMNS, RoomRow, room_row


async def rooms_of_users(sql: Sql, user_ids: Sequence[UUID], limit: int) -> dict[UUID, list[RoomRow]]:
    """Return at most `limit` rooms of each user, newest entry first, as `rooms_of` does for one user."""
    where, ids = in_clause(sql, user_ids, 1)
    order = "r.last_entry_at DESC, r.id DESC"
    rows = await sql.fetch(
        f"SELECT m.user_id AS viewer_id, {COUNTED_COLUMNS} FROM ("
        f"SELECT m.id, row_number() OVER (PARTITION BY m.user_id ORDER BY {order}) AS place "
        "FROM memberships m JOIN rooms r ON r.id = m.room_id "
        f"WHERE m.user_id {where} AND r.archived_at IS NULL) page "
        "JOIN memberships m ON m.id = page.id JOIN rooms r ON r.id = m.room_id "
        f"{conversations.joins(sql)} WHERE page.place <= $2 ORDER BY {order}",
        ids,
        limit,
    )
    found: dict[UUID, list[RoomRow]] = {user_id: [] for user_id in user_ids}
    for row in rows:
        found[as_uuid(row["viewer_id"])].append(room_row(row))
    return found
