"""SQL of decisions: at most one for each notification and channel, the latest one."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_datetime, as_uuid


class DecisionRow(NamedTuple):
    """A decision. Without a reason the notification is being sent."""

    notification_id: UUID
    channel: str
    reason: str | None
    at: datetime


def _key(decision: DecisionRow) -> tuple[UUID, str]:
    return decision.notification_id, decision.channel


async def store(sql: Sql, decisions: Sequence[DecisionRow]) -> None:
    """Store decisions. One about the same notification and channel replaces an earlier one."""
    await sql.executemany(
        "INSERT INTO notification_decisions (notification_id, channel, reason, at) VALUES ($1, $2, $3, $4) "
        "ON CONFLICT (notification_id, channel) DO UPDATE SET reason = excluded.reason, at = excluded.at",
        [*sorted(decisions, key=_key)],
    )


async def of(sql: Sql, notification_id: UUID) -> list[DecisionRow]:
    """Return the decisions about a notification, in the order of their channels' names."""
    rows = await sql.fetch(
        "SELECT notification_id, channel, reason, at FROM notification_decisions "
        "WHERE notification_id = $1 ORDER BY channel",
        notification_id,
    )
    return [
        DecisionRow(as_uuid(row["notification_id"]), row["channel"], row["reason"], as_datetime(row["at"]))
        for row in rows
    ]


async def sent_about_room(
    sql: Sql, user_id: UUID, room_id: UUID, channel: str, since: datetime, except_id: UUID
) -> bool:
    """Return whether another notification about a room was sent to a user, or is being sent, since a time."""
    rows = await sql.fetch(
        "SELECT 1 FROM notification_decisions d JOIN notifications n ON n.id = d.notification_id "
        "WHERE n.user_id = $1 AND n.room_id = $2 AND d.channel = $3 AND d.at > $4 AND n.id <> $5 "
        "AND (d.reason IS NULL OR d.reason = 'sent') LIMIT 1",
        *(user_id, room_id, channel, since, except_id),
    )
    return bool(rows)


async def ids_of_message(sql: Sql, message_id: UUID) -> list[UUID]:
    """Return the notifications that follow from a message."""
    rows = await sql.fetch(
        "SELECT id FROM notifications WHERE message_id = $1 ORDER BY created_at, id LIMIT 100", message_id
    )
    return [as_uuid(row["id"]) for row in rows]
