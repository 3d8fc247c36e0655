"""SQL that finds whom a message concerns, and whether the user may and needs to be notified of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_optional_uuid, as_uuid, in_clause

MAX_EARLIER = 100  # earlier messages of a room that are handled with one
ID_CHARS = 32  # of a message's id in a key
MAX_ATTEMPTS = 3  # of an earlier message, which then no longer holds up later ones


class MessageRow(NamedTuple):
    """A message whose notifications are to be created."""

    id: UUID
    room_id: UUID
    seq: int
    sender_id: UUID
    replied_to: UUID | None  # the sender of the message that it replies to
    is_direct: bool
    deleted: bool


class Candidate(NamedTuple):
    """A member whom a message concerns."""

    message_id: UUID
    user_id: UUID
    is_mentioned: bool
    muted: bool
    last_read_seq: int


async def waiting_messages(sql: Sql, key_prefix: str, own_id: UUID) -> list[MessageRow]:
    """Return a message, and the earlier ones of its room whose jobs have not ended, ascending by seq.

    The jobs are found by their unique keys: `key_prefix`, then the id of the message in hex. One that failed
    several times is left out.
    """
    ids = await sql.fetch(
        "SELECT unique_key FROM jobs WHERE unique_key > $1 AND unique_key < $2 AND attempts <= $3 LIMIT $4",
        *(f"{key_prefix}0", f"{key_prefix}g", MAX_ATTEMPTS, MAX_EARLIER),
    )
    wanted = {own_id, *(UUID(row["unique_key"].removeprefix(key_prefix)[:ID_CHARS]) for row in ids)}
    where, values = in_clause(sql, wanted)
    rows = await sql.fetch(
        "SELECT m.id, m.room_id, m.seq, m.sender_id, o.sender_id AS replied_to, r.kind, m.deleted_at "
        "FROM messages m JOIN rooms r ON r.id = m.room_id LEFT JOIN messages o ON o.id = m.reply_to_id "
        f"WHERE m.id {where} ORDER BY m.seq",
        values,
    )
    found = [_to_message(row) for row in rows]
    own_seq = next((each.seq for each in found if each.id == own_id), 0)
    return [each for each in found if each.seq <= own_seq]


def _to_message(row: Any) -> MessageRow:  # noqa: ANN401 - a driver's row
    return MessageRow(
        as_uuid(row["id"]),
        as_uuid(row["room_id"]),
        row["seq"],
        as_uuid(row["sender_id"]),
        as_optional_uuid(row["replied_to"]),
        row["kind"] == "direct",
        row["deleted_at"] is not None,
    )


async def members(sql: Sql, messages: Sequence[MessageRow]) -> list[Candidate]:
    """Return the members whom messages of one room concern: mentioned, replied to, or in a direct room."""
    if not messages:
        return []
    where, values = in_clause(sql, [each.id for each in messages])
    rows = await sql.fetch(
        "SELECT m.id AS message_id, s.user_id, n.id AS mention, s.muted, s.last_read_seq "
        "FROM messages m JOIN rooms r ON r.id = m.room_id JOIN memberships s ON s.room_id = m.room_id "
        "LEFT JOIN mentions n ON n.message_id = m.id AND n.user_id = s.user_id "
        "LEFT JOIN messages o ON o.id = m.reply_to_id "
        f"WHERE m.id {where} AND s.user_id <> m.sender_id "
        "AND (r.kind = 'direct' OR n.id IS NOT NULL OR o.sender_id = s.user_id) ORDER BY m.seq, s.user_id",
        values,
    )
    return [
        Candidate(
            as_uuid(row["message_id"]),
            as_uuid(row["user_id"]),
            row["mention"] is not None,
            bool(row["muted"]),
            row["last_read_seq"],
        )
        for row in rows
    ]
