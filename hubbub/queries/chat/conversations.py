"""Fields of a room in a list of conversations: the peer of a direct room, and the last message."""

from collections.abc import Mapping
from typing import Any

from hubbub.core import clock
from hubbub.db.sql import Sql, as_datetime, as_uuid
from hubbub.schemas.chat.rooms import MAX_PREVIEW_CHARS, LastMessage
from hubbub.schemas.users.users import User

COLUMNS = (
    "p.id AS peer_id, p.username AS peer_username, p.display_name AS peer_display_name, "
    "p.avatar_url AS peer_avatar_url, l.id AS last_id, l.seq AS last_message_seq, "
    f"substr(l.body, 1, {MAX_PREVIEW_CHARS}) AS last_preview, l.created_at AS last_at, "
    "l.sender_id AS last_sender_id, "
    "s.username AS last_username, s.display_name AS last_display_name, s.avatar_url AS last_avatar_url"
)
# The id of the other user is in the key of a direct room. It remains there when the account is deleted.
_PEER_ID = (
    "CASE WHEN substr(r.direct_key, 1, 36) = CAST(m.user_id AS text) "
    "THEN substr(r.direct_key, 38) ELSE substr(r.direct_key, 1, 36) END"
)
# By `m`, not by `r`: a user who is not a member gets no last message and no peer.
_NEWEST_MESSAGE = "FROM messages x WHERE x.room_id = m.room_id ORDER BY x.seq DESC LIMIT 1"


def joins(sql: Sql) -> str:
    """Return the joins for `COLUMNS`, after `rooms r` and `memberships m`. They are index lookups only.

    On PostgreSQL the message is a lateral subquery: joined by its id, a table without statistics was hashed
    as a whole (5 to 9 ms). SQLite has no lateral joins, and only joins by lookups.
    """
    if sql.dialect == "postgres":
        peer = f"CAST({_PEER_ID} AS uuid)"
        message = (
            "LEFT JOIN LATERAL (SELECT x.id, x.seq, x.body, x.created_at, x.sender_id "
            f"{_NEWEST_MESSAGE}) l ON true"
        )
    else:
        peer = _PEER_ID
        message = f"LEFT JOIN messages l ON l.id = (SELECT x.id {_NEWEST_MESSAGE})"
    return (
        f"LEFT JOIN users p ON m.user_id IS NOT NULL AND p.id = {peer} {message} "
        "LEFT JOIN users s ON s.id = l.sender_id"
    )


def peer(row: Mapping[str, Any]) -> User | None:
    """Return the other user of a direct room."""
    if row["peer_id"] is None:
        return None
    return User(
        id=as_uuid(row["peer_id"]),
        username=row["peer_username"],
        display_name=row["peer_display_name"],
        avatar_url=row["peer_avatar_url"],
    )


def last_message(row: Mapping[str, Any]) -> LastMessage | None:
    """Return the newest message in its current state. A deleted one has an empty body."""
    if row["last_id"] is None:
        return None
    return LastMessage(
        id=as_uuid(row["last_id"]),
        seq=row["last_message_seq"],
        sender=User(
            id=as_uuid(row["last_sender_id"]),
            username=row["last_username"],
            display_name=row["last_display_name"],
            avatar_url=row["last_avatar_url"],
        ),
        preview=row["last_preview"],
        at=clock.rfc3339(as_datetime(row["last_at"])),
    )
