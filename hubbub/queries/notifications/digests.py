"""SQL of digests: who may get one, and the window of the last one."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid, in_clause


class Subscriber(NamedTuple):
    """A user who chose something about digests."""

    user_id: UUID
    chosen: str  # the stored e-mail preferences
    last_window: str | None


async def subscribers(sql: Sql, after: UUID, limit: int) -> list[Subscriber]:
    """Return the next users by id whose e-mail preferences say something about digests."""
    rows = await sql.fetch(
        "SELECT p.user_id, p.chosen, i.digest_window FROM preferences p "
        "JOIN users u ON u.id = p.user_id AND u.deleted_at IS NULL "
        "LEFT JOIN inboxes i ON i.user_id = p.user_id "
        "WHERE p.kind = 'email' AND p.user_id > $1 AND p.chosen LIKE '%\"digest\":%' "
        "ORDER BY p.user_id LIMIT $2",
        *(after, limit),
    )
    return [Subscriber(as_uuid(row["user_id"]), row["chosen"], row["digest_window"]) for row in rows]


async def set_windows(tx: Sql, windows: Mapping[UUID, str]) -> None:
    """Write the windows of locked inboxes."""
    await tx.executemany(
        "UPDATE inboxes SET digest_window = $2 WHERE user_id = $1",
        [(user_id, window) for user_id, window in sorted(windows.items())],
    )


async def windows(tx: Sql, user_ids: list[UUID]) -> dict[UUID, str | None]:
    """Return the windows of inboxes."""
    where, values = in_clause(tx, user_ids)
    rows = await tx.fetch(f"SELECT user_id, digest_window FROM inboxes WHERE user_id {where}", values)
    return {as_uuid(row["user_id"]): row["digest_window"] for row in rows}


async def unread_since(sql: Sql, user_id: UUID, since: datetime, limit: int) -> tuple[int, list[UUID]]:
    """Return how many unread notifications were created since a time, and the ids of the newest ones."""
    condition = "user_id = $1 AND seq IS NOT NULL AND read_at IS NULL AND created_at >= $2"
    rows = await sql.fetch(f"SELECT count(*) AS count FROM notifications WHERE {condition}", user_id, since)
    newest = await sql.fetch(
        f"SELECT id FROM notifications WHERE {condition} ORDER BY seq DESC LIMIT $3", user_id, since, limit
    )
    return int(rows[0]["count"]), [as_uuid(row["id"]) for row in newest]
