"""The entries of a log as clients receive them, and the changes of stored ones, for both databases.

The entry of a message is its row in `messages`, all others are rows in `entries`. One statement reads both,
so that an entry that is committed meanwhile leaves no gap before a later one.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from hubbub.core import clock
from hubbub.db.sql import Sql, as_datetime, as_optional_datetime, as_optional_uuid, as_uuid
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import MessageNew, MessageUpdated
from hubbub.schemas.users.users import User

_decode_ids = msgspec.json.Decoder(list[UUID]).decode

# In the payload of a message without attachments, and in no text, where quotation marks are escaped.
NO_ATTACHMENTS = '"attachments":[]'

_AFTER = """
SELECT m.seq, m.id, m.client_id, m.sender_id, u.username, u.display_name, u.avatar_url, m.body, m.reply_to_id,
  m.mentions, m.attachments, m.created_at, m.edited_at, m.deleted_at, NULL AS event, NULL AS payload
FROM (SELECT * FROM messages WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) m
JOIN users u ON u.id = m.sender_id
UNION ALL
SELECT e.seq, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  e.event, e.payload_json
FROM (SELECT * FROM entries WHERE room_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) e
ORDER BY seq LIMIT $3
"""


async def after(sql: Sql, room_id: UUID, after_seq: int, limit: int) -> list[Entry]:
    """Return the entries of a room after `after_seq`, ascending, without `subject`: clients do not get it.

    A message is returned as it is now, without its reactions: these are entries of their own. Attachments are
    ids of uploads, as stored.
    """
    rows = await sql.fetch(_AFTER, room_id, after_seq, limit)
    return [
        Entry(room_id, row["seq"], row["event"], row["payload"])
        if row["event"] is not None
        else _message_entry(room_id, row)
        for row in rows
    ]


def _message_entry(room_id: UUID, row: Mapping[str, Any]) -> Entry:
    message = _message(room_id, row)
    event = MessageNew(
        room_id=room_id, seq=message.seq, at=message.created_at, actor_id=message.sender.id, message=message
    )
    payload = encode(event).decode()
    if row["attachments"] != "[]":
        payload = payload.replace(NO_ATTACHMENTS, f'"attachments":{row["attachments"]}', 1)
    return Entry(room_id, message.seq, MessageNew.event_name, payload)


def _message(room_id: UUID, row: Mapping[str, Any]) -> Message:
    sender = User(
        id=as_uuid(row["sender_id"]),
        username=row["username"],
        display_name=row["display_name"],
        avatar_url=row["avatar_url"],
    )
    edited_at, deleted_at = as_optional_datetime(row["edited_at"]), as_optional_datetime(row["deleted_at"])
    return Message(
        id=as_uuid(row["id"]),
        room_id=room_id,
        seq=row["seq"],
        client_id=as_uuid(row["client_id"]),
        sender=sender,
        body=row["body"],
        reply_to=as_optional_uuid(row["reply_to_id"]),
        attachments=[],
        mentions=_decode_ids(row["mentions"]),
        reactions=[],
        created_at=clock.rfc3339(as_datetime(row["created_at"])),
        edited_at=clock.rfc3339(edited_at) if edited_at else None,
        deleted_at=clock.rfc3339(deleted_at) if deleted_at else None,
    )


class Key(NamedTuple):
    """The key of an entry."""

    room_id: UUID
    seq: int


class StoredEntry(NamedTuple):
    """A row of `entries`."""

    key: Key
    payload: str


async def updates_of(tx: Sql, room_id: UUID, message_id: UUID) -> list[StoredEntry]:
    """Return the entries that contain a message after an edit."""
    rows = await tx.fetch(
        "SELECT room_id, seq, payload_json FROM entries "
        f"WHERE message_id = $1 AND event = '{MessageUpdated.event_name}' AND room_id = $2",
        message_id,
        room_id,
    )
    return _stored_entries(rows)


async def page(sql: Sql, after: Key, limit: int) -> list[StoredEntry]:
    """Return the rows of `entries` after a key, by key."""
    rows = await sql.fetch(
        "SELECT room_id, seq, payload_json FROM entries WHERE (room_id, seq) > ($1, $2) "
        "ORDER BY room_id, seq LIMIT $3",
        *(*after, limit),
    )
    return _stored_entries(rows)


def _stored_entries(rows: Sequence[Mapping[str, Any]]) -> list[StoredEntry]:
    return [StoredEntry(Key(as_uuid(row["room_id"]), row["seq"]), row["payload_json"]) for row in rows]


async def replace_payload(sql: Sql, entry: StoredEntry, payload: str) -> None:
    """Replace the payload of an entry, unless it has changed since it was read."""
    await sql.execute(
        "UPDATE entries SET payload_json = $1 WHERE room_id = $2 AND seq = $3 AND payload_json = $4",
        *(payload, *entry.key, entry.payload),
    )
