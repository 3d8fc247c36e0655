"""Pages of messages with their senders, in plain SQL: a model for each row takes several times as long."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Rows, Sql, as_datetime, as_optional_datetime, as_optional_uuid, as_uuid, in_clause

_SELECT = (
    "SELECT m.id, m.room_id, m.seq, m.client_id, m.sender_id, m.body, m.reply_to_id, m.mentions, "
    "m.attachments, m.created_at, m.edited_at, m.deleted_at, u.username, u.display_name, u.avatar_url "
    "FROM messages m JOIN users u ON u.id = m.sender_id"
)


class SenderRow(NamedTuple):
    """The sender of a message, as other users see it."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None


class MessageRow(NamedTuple):
    """A message as stored. The names are those of `models.Message`."""

    id: UUID
    room_id: UUID
    seq: int
    client_id: UUID
    sender: SenderRow
    body: str
    reply_to_id: UUID | None
    mentions: str
    attachments: str
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


async def before(sql: Sql, room_id: UUID, seq: int | None, limit: int) -> list[MessageRow]:
    """Return the last messages before `seq`, or of the whole room, newest first."""
    if seq is None:
        where = "m.room_id = $1 ORDER BY m.seq DESC LIMIT $2"
        return _message_rows(await sql.fetch(f"{_SELECT} WHERE {where}", room_id, limit))
    where = "m.room_id = $1 AND m.seq < $2 ORDER BY m.seq DESC LIMIT $3"
    return _message_rows(await sql.fetch(f"{_SELECT} WHERE {where}", room_id, seq, limit))


async def after(sql: Sql, room_id: UUID, seq: int, limit: int) -> list[MessageRow]:
    """Return the first messages after `seq`, oldest first."""
    where = "m.room_id = $1 AND m.seq > $2 ORDER BY m.seq LIMIT $3"
    return _message_rows(await sql.fetch(f"{_SELECT} WHERE {where}", room_id, seq, limit))


async def by_ids(sql: Sql, message_ids: Iterable[UUID]) -> list[MessageRow]:
    """Return messages in no particular order."""
    where, ids = in_clause(sql, message_ids)
    return _message_rows(await sql.fetch(f"{_SELECT} WHERE m.id {where}", ids))


def _message_rows(rows: Rows) -> list[MessageRow]:
    senders: dict[object, SenderRow] = {}  # a page has few of them
    found = []
    for row in rows:
        sender_id = row["sender_id"]
        if (sender := senders.get(sender_id)) is None:
            sender = SenderRow(as_uuid(sender_id), row["username"], row["display_name"], row["avatar_url"])
            senders[sender_id] = sender
        found.append(
            MessageRow(
                id=as_uuid(row["id"]),
                room_id=as_uuid(row["room_id"]),
                seq=row["seq"],
                client_id=as_uuid(row["client_id"]),
                sender=sender,
                body=row["body"],
                reply_to_id=as_optional_uuid(row["reply_to_id"]),
                mentions=row["mentions"],
                attachments=row["attachments"],
                created_at=as_datetime(row["created_at"]),
                edited_at=as_optional_datetime(row["edited_at"]),
                deleted_at=as_optional_datetime(row["deleted_at"]),
            )
        )
    return found
