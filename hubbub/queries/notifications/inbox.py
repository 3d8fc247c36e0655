"""SQL of inboxes: lock, append, read. Each function runs a few set-based statements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.db.locking import row_lock
from hubbub.db.sql import (
    Sql,
    as_datetime,
    as_optional_datetime,
    as_optional_uuid,
    as_uuid,
    in_clause,
    in_texts,
    placeholders,
)

PREVIEW_CHARS = 200  # of a message's body that are read


class Head(NamedTuple):
    """The end of an inbox, and the number up to which announcements were considered."""

    last_seq: int
    unread: int
    announcement_number: int


class LockedInbox(NamedTuple):
    """A locked inbox of an account that exists."""

    user_id: UUID
    head: Head
    registered_at: datetime


class NewRow(NamedTuple):
    """A row of `notifications`. The order of the fields is that of the columns."""

    id: UUID
    user_id: UUID
    seq: int | None
    kind: str
    source: str
    actor_id: UUID | None
    room_id: UUID | None
    message_id: UUID | None
    announcement_id: UUID | None
    content: str
    created_at: datetime


class InboxRow(NamedTuple):
    """A notification with what its view shows of other tables."""

    id: UUID
    user_id: UUID
    seq: int | None
    kind: str
    content: str
    read_at: datetime | None
    created_at: datetime
    room_id: UUID | None
    message_id: UUID | None
    actor: Mapping[str, Any] | None  # id, username, display_name, avatar_url
    room_name: str | None  # of a room with a name that the user may see
    is_direct: bool
    message_seq: int | None
    message_body: str | None  # its beginning; None if it was deleted, or the user is no member any more
    announcement: tuple[str, str, str | None] | None  # title, body, url


_SELECT = f"""
SELECT n.id, n.user_id, n.seq, n.kind, n.content, n.read_at, n.created_at, n.room_id, n.message_id,
  n.actor_id, u.username, u.display_name, u.avatar_url,
  CASE WHEN s.id IS NOT NULL OR r.kind = 'public' THEN r.name END AS room_name, r.kind AS room_kind,
  m.seq AS message_seq,
  CASE WHEN s.id IS NOT NULL AND m.deleted_at IS NULL THEN substr(m.body, 1, {PREVIEW_CHARS}) END
    AS message_body,
  a.title, a.body, a.url
FROM notifications n
LEFT JOIN users u ON u.id = n.actor_id
LEFT JOIN rooms r ON r.id = n.room_id
LEFT JOIN messages m ON m.id = n.message_id
LEFT JOIN memberships s ON s.room_id = n.room_id AND s.user_id = n.user_id
LEFT JOIN announcements a ON a.id = n.announcement_id
"""


def _to_row(row: Mapping[str, Any]) -> InboxRow:
    actor = None
    if row["actor_id"] is not None and row["username"] is not None:
        actor = {
            "id": as_uuid(row["actor_id"]),
            **{name: row[name] for name in ("username", "display_name", "avatar_url")},
        }
    return InboxRow(
        as_uuid(row["id"]),
        as_uuid(row["user_id"]),
        row["seq"],
        row["kind"],
        row["content"],
        as_optional_datetime(row["read_at"]),
        as_datetime(row["created_at"]),
        as_optional_uuid(row["room_id"]),
        as_optional_uuid(row["message_id"]),
        actor,
        row["room_name"],
        row["room_kind"] == "direct",
        row["message_seq"],
        row["message_body"],
        (row["title"], row["body"], row["url"]) if row["title"] is not None else None,
    )


async def page(
    sql: Sql, user_id: UUID, before_seq: int | None, limit: int, *, unread_only: bool
) -> list[InboxRow]:
    """Return notifications of an inbox, newest first."""
    conditions = ["n.user_id = $1", "n.seq IS NOT NULL"]
    values: list[object] = [user_id, limit]
    if before_seq is not None:
        values.append(before_seq)
        conditions.append("n.seq < $3")
    if unread_only:
        conditions.append("n.read_at IS NULL")
    rows = await sql.fetch(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY n.seq DESC LIMIT $2", *values
    )
    return [_to_row(row) for row in rows]


async def after(sql: Sql, user_id: UUID, seq: int, limit: int) -> list[InboxRow]:
    """Return the notifications of an inbox after a seq, ascending."""
    rows = await sql.fetch(
        f"{_SELECT} WHERE n.user_id = $1 AND n.seq > $2 ORDER BY n.seq LIMIT $3", user_id, seq, limit
    )
    return [_to_row(row) for row in rows]


async def by_ids(sql: Sql, ids: Sequence[UUID]) -> list[InboxRow]:
    """Return notifications, of any user, ascending by user and seq."""
    where, values = in_clause(sql, ids)
    rows = await sql.fetch(f"{_SELECT} WHERE n.id {where} ORDER BY n.user_id, n.seq", values)
    return [_to_row(row) for row in rows]


async def heads(sql: Sql, user_ids: Iterable[UUID]) -> dict[UUID, Head]:
    """Return the ends of inboxes. A user without a row has an empty inbox."""
    where, values = in_clause(sql, user_ids)
    rows = await sql.fetch(
        f"SELECT user_id, last_seq, unread, announcement_number FROM inboxes WHERE user_id {where}", values
    )
    return {
        as_uuid(row["user_id"]): Head(row["last_seq"], row["unread"], row["announcement_number"])
        for row in rows
    }


async def ahead(sql: Sql, known: Mapping[UUID, int]) -> dict[UUID, int]:
    """Return how far inboxes go, of those that end after the known seqs."""
    if sql.dialect == "postgres":
        rows = await sql.fetch(
            "SELECT i.user_id, i.last_seq FROM unnest($1::uuid[], $2::bigint[]) AS known(user_id, seq) "
            "JOIN inboxes i ON i.user_id = known.user_id WHERE i.last_seq > known.seq",
            list(known),
            list(known.values()),
        )
    else:
        rows = await sql.fetch(
            "SELECT i.user_id, i.last_seq FROM json_each($1) AS known JOIN inboxes i "
            "ON i.user_id = json_extract(known.value, '$[0]') "
            "WHERE i.last_seq > json_extract(known.value, '$[1]')",
            json.dumps([(str(user_id), seq) for user_id, seq in known.items()]),
        )
    return {as_uuid(row["user_id"]): row["last_seq"] for row in rows}


async def lock(tx: Sql, user_ids: Iterable[UUID]) -> dict[UUID, LockedInbox]:
    """Create missing inboxes, and lock them in the order of their users. Deleted accounts are left out.

    The accounts are locked first, so that none is deleted before the end of the transaction.
    """
    where, values = in_clause(tx, sorted(set(user_ids)))
    users = await tx.fetch(
        f"SELECT id, created_at FROM users WHERE id {where} AND deleted_at IS NULL "
        f"ORDER BY id {row_lock(tx, 'FOR SHARE')}",
        values,
    )
    if not users:
        return {}
    registered = {as_uuid(row["id"]): as_datetime(row["created_at"]) for row in users}
    where, values = in_clause(tx, registered)
    await tx.execute(
        "INSERT INTO inboxes (user_id, last_seq, unread, announcement_number) "
        f"SELECT id, 0, 0, 0 FROM users WHERE id {where} ORDER BY id ON CONFLICT DO NOTHING",
        values,
    )
    rows = await tx.fetch(
        "SELECT user_id, last_seq, unread, announcement_number FROM inboxes "
        f"WHERE user_id {where} ORDER BY user_id {row_lock(tx, 'FOR UPDATE')}",
        values,
    )
    found = {}
    for row in rows:
        user_id = as_uuid(row["user_id"])
        head = Head(row["last_seq"], row["unread"], row["announcement_number"])
        found[user_id] = LockedInbox(user_id, head, registered[user_id])
    return found


async def known_sources(tx: Sql, pairs: Sequence[tuple[UUID, str]]) -> set[tuple[UUID, str]]:
    """Return which of these pairs of user and source have a notification."""
    if not pairs:
        return set()
    if tx.dialect == "postgres":
        rows = await tx.fetch(
            "SELECT n.user_id, n.source FROM unnest($1::uuid[], $2::text[]) AS given(user_id, source) "
            "JOIN notifications n ON n.user_id = given.user_id AND n.source = given.source",
            [user_id for user_id, _ in pairs],
            [source for _, source in pairs],
        )
    else:
        of_users, users = in_clause(tx, {user_id for user_id, _ in pairs})
        of_sources, sources = in_texts(tx, {source for _, source in pairs}, 2)
        rows = await tx.fetch(
            f"SELECT user_id, source FROM notifications WHERE user_id {of_users} AND source {of_sources}",
            users,
            sources,
        )
    return {(as_uuid(row["user_id"]), row["source"]) for row in rows}


async def insert(tx: Sql, rows: Sequence[NewRow]) -> None:
    """Store notifications in locked inboxes."""
    if not rows:
        return
    columns = (
        "id, user_id, seq, kind, source, actor_id, room_id, message_id, announcement_id, content, created_at"
    )
    if tx.dialect == "postgres":
        types = (
            "$1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], "
            "$8::uuid[], $9::uuid[], $10::text[], $11::timestamptz[]"
        )
        await tx.execute(
            f"INSERT INTO notifications ({columns}) SELECT {columns} FROM unnest({types}) AS new({columns})",
            *(list(column) for column in zip(*rows, strict=True)),
        )
        return
    values = placeholders(len(NewRow._fields))
    await tx.executemany(f"INSERT INTO notifications ({columns}) VALUES ({values})", rows)


async def advance(tx: Sql, heads_by_user: Mapping[UUID, Head]) -> None:
    """Write the new ends of locked inboxes."""
    rows = [(user_id, *head) for user_id, head in sorted(heads_by_user.items())]
    if not rows:
        return
    if tx.dialect == "postgres":
        await tx.execute(
            "UPDATE inboxes SET last_seq = e.last_seq, unread = e.unread, "
            "announcement_number = e.announcement_number "
            "FROM unnest($1::uuid[], $2::bigint[], $3::int[], $4::bigint[]) "
            "AS e(user_id, last_seq, unread, announcement_number) WHERE inboxes.user_id = e.user_id",
            *(list(column) for column in zip(*rows, strict=True)),
        )
        return
    await tx.executemany(
        "UPDATE inboxes SET last_seq = $2, unread = $3, announcement_number = $4 WHERE user_id = $1", rows
    )


async def mark_read(
    tx: Sql, user_id: UUID, at: datetime, *, notification_id: UUID | None, up_to_seq: int
) -> int:
    """Mark unread notifications of a locked inbox as read; return how many there were."""
    target = "id = $3" if notification_id is not None else "seq <= $3"
    return await tx.execute(
        f"UPDATE notifications SET read_at = $2 WHERE user_id = $1 AND {target} AND seq IS NOT NULL "
        "AND read_at IS NULL",
        *(user_id, at, notification_id if notification_id is not None else up_to_seq),
    )


async def subtract_unread(tx: Sql, user_id: UUID, count: int) -> int:
    """Subtract from the unread count of a locked inbox, and return it."""
    rows = await tx.fetch(
        "UPDATE inboxes SET unread = unread - $2 WHERE user_id = $1 RETURNING unread", user_id, count
    )
    return int(rows[0]["unread"])
