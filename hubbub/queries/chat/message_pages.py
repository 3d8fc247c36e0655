"""Pages of messages with senders and reactions, in one statement of plain SQL: the hot path of reading.

A model for each row takes several times as long, and each further statement another turn of the event loop.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

import msgspec

from hubbub.db.sql import (
    Rows,
    Sql,
    as_datetime,
    as_driver_uuid,
    as_optional_datetime,
    as_uuid,
    in_clause,
)
from hubbub.schemas.users.users import User

# The reactions to a message as JSON, NULL or an empty list without one: emoji, number of users, whether the
# viewer ($1) is one of them, and the first id, by which they are ordered. SQLite's aggregates have no order.
_ONE_REACTION = "reaction.emoji, reaction.count, reaction.mine, reaction.first"
_JSON_LISTS = {
    "postgres": f"json_agg(json_build_array({_ONE_REACTION}))",
    "sqlite": f"json_group_array(json_array({_ONE_REACTION}))",
}
_SELECT = (
    "SELECT m.id, m.room_id, m.seq, m.client_id, m.sender_id, m.body, m.reply_to_id, m.mentions, "
    "m.attachments, m.created_at, m.edited_at, m.deleted_at, u.username, u.display_name, u.avatar_url, "
    "(SELECT {list} FROM (SELECT emoji, count(*) AS count, "
    "max(CASE WHEN user_id = $1 THEN 1 ELSE 0 END) AS mine, min(CAST(id AS text)) AS first "
    "FROM reactions WHERE message_id = m.id GROUP BY emoji) reaction) AS reactions "
    "FROM messages m JOIN users u ON u.id = m.sender_id"
)
_SELECT_BY_DIALECT = {dialect: _SELECT.format(list=text) for dialect, text in _JSON_LISTS.items()}
_IN_OWN_ROOM = (
    "m.room_id = $2 AND EXISTS (SELECT 1 FROM memberships own JOIN rooms r ON r.id = own.room_id "
    "WHERE own.room_id = $2 AND own.user_id = $1 AND r.archived_at IS NULL)"
)
_decode_reactions = msgspec.json.Decoder(list[tuple[str, int, int, str]]).decode


class PageReaction(NamedTuple):
    """A reaction to a message of a page."""

    emoji: str
    users: int  # who reacted with it
    by_viewer: bool


class MessageRow(NamedTuple):
    """A message as stored. The names are those of `models.Message`. Ids are of the driver's own class."""

    id: UUID
    room_id: UUID
    seq: int
    client_id: UUID
    sender: User
    body: str
    reply_to_id: UUID | None
    mentions: str
    attachments: str
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    reactions: Sequence[PageReaction]  # in the order of their first use


async def before(sql: Sql, viewer_id: UUID, room_id: UUID, seq: int | None, limit: int) -> list[MessageRow]:
    """Return the last messages before `seq`, or of the whole room, newest first; for a member of the room.

    For others there are none.
    """
    if seq is None:
        where = f"{_IN_OWN_ROOM} ORDER BY m.seq DESC LIMIT $3"
        return await _fetch(sql, where, viewer_id, room_id, limit)
    where = f"{_IN_OWN_ROOM} AND m.seq < $3 ORDER BY m.seq DESC LIMIT $4"
    return await _fetch(sql, where, viewer_id, room_id, seq, limit)


async def after(sql: Sql, viewer_id: UUID, room_id: UUID, seq: int, limit: int) -> list[MessageRow]:
    """Return the first messages after `seq`, oldest first, for a member of the room as `before` does."""
    where = f"{_IN_OWN_ROOM} AND m.seq > $3 ORDER BY m.seq LIMIT $4"
    return await _fetch(sql, where, viewer_id, room_id, seq, limit)


async def by_ids(sql: Sql, viewer_id: UUID, message_ids: Iterable[UUID]) -> list[MessageRow]:
    """Return messages in no particular order."""
    where, ids = in_clause(sql, message_ids, 2)
    return await _fetch(sql, f"m.id {where}", viewer_id, ids)


async def _fetch(sql: Sql, where: str, *values: object) -> list[MessageRow]:
    rows = await sql.fetch(f"{_SELECT_BY_DIALECT[sql.dialect]} WHERE {where}", *values)
    return _message_rows(rows)


def _message_rows(rows: Rows) -> list[MessageRow]:
    senders: dict[object, User] = {}  # a page has few of them
    found = []
    # Both drivers iterate over the values of a row.
    for (
        message_id, room_id, seq, client_id, sender_id, body, reply_to_id, mentions, attachments, created_at,
        edited_at, deleted_at, username, display_name, avatar_url, reactions,
    ) in cast("Iterable[tuple[Any, ...]]", rows):  # fmt: skip
        if (sender := senders.get(sender_id)) is None:
            sender = senders[sender_id] = User(
                id=as_uuid(sender_id), username=username, display_name=display_name, avatar_url=avatar_url
            )
        found.append(
            MessageRow(
                as_driver_uuid(message_id),
                as_driver_uuid(room_id),
                seq,
                as_driver_uuid(client_id),
                sender,
                body,
                as_driver_uuid(reply_to_id) if reply_to_id is not None else None,
                mentions,
                attachments,
                as_datetime(created_at),
                as_optional_datetime(edited_at),
                as_optional_datetime(deleted_at),
                _page_reactions(reactions) if reactions is not None and reactions != "[]" else (),
            )
        )
    return found


def _page_reactions(reactions_json: str) -> list[PageReaction]:
    found = sorted(_decode_reactions(reactions_json), key=lambda reaction: reaction[3])
    return [PageReaction(emoji, users, bool(mine)) for emoji, users, mine, _ in found]
