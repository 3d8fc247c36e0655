"""Lists of rooms and members with counts: one query for each page, whatever its size."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_datetime, as_optional_datetime, as_optional_uuid, as_uuid, in_clause
from hubbub.queries.chat import conversations
from hubbub.schemas.chat.rooms import LastMessage
from hubbub.schemas.users.users import User

MAX_COUNT = 1000  # the largest count: it means 1000 or more
MAX_COUNTED_ENTRIES = 10_000  # newest entries of a room in which unread messages are counted
# Counting begins at the read mark, or at the newest MAX_COUNTED_ENTRIES: in a room of many unread or own
# messages PostgreSQL may read all rows of the range into a bitmap, whatever the LIMIT is.
_COUNTED_RANGE = (
    f"x.seq > CASE WHEN m.last_read_seq > r.last_seq - {MAX_COUNTED_ENTRIES} THEN m.last_read_seq "
    f"ELSE r.last_seq - {MAX_COUNTED_ENTRIES} END"
)
# Messages of others after the read mark. The limit ends the scan. No order: sorting reads all rows first.
_UNREAD_COUNT = (
    "CASE WHEN m.user_id IS NULL OR m.last_read_seq >= r.last_seq THEN 0 "
    f"ELSE (SELECT count(*) FROM (SELECT 1 FROM messages x WHERE x.room_id = r.id AND {_COUNTED_RANGE} "
    f"AND x.sender_id <> m.user_id AND x.deleted_at IS NULL LIMIT {MAX_COUNT}) counted) END"
)
_MENTION_COUNT = (
    "CASE WHEN m.user_id IS NULL OR m.last_read_seq >= r.last_seq THEN 0 "
    "ELSE (SELECT count(*) FROM (SELECT 1 FROM mentions x WHERE x.user_id = m.user_id "
    f"AND x.room_id = r.id AND {_COUNTED_RANGE} LIMIT {MAX_COUNT}) counted) END"
)
_ROOM_COLUMNS = (
    "r.id, r.kind, r.name, r.topic, r.created_by_id, r.created_at, r.last_seq, r.first_seq, r.member_count, "
    "r.member_version, r.last_entry_at, r.name_key, m.role, m.last_read_seq, m.muted, "
    f"m.changed_at, {conversations.COLUMNS}"
)
# Of `rooms` as r, left-joined with `memberships` as m, and `conversations.joins`.
COUNTED_COLUMNS = f"{_ROOM_COLUMNS}, {_UNREAD_COUNT} AS unread, {_MENTION_COUNT} AS mentions"


class RoomRow(NamedTuple):
    """A room with the caller's membership. `role` is None if the caller is not a member."""

    id: UUID
    kind: str
    name: str | None
    topic: str
    created_by: UUID | None
    created_at: datetime
    last_seq: int
    first_seq: int
    member_count: int
    version: int
    last_entry_at: datetime | None
    name_key: str | None
    role: str | None
    last_read_seq: int
    muted: bool
    unread: int
    mentions: int
    changed_at: datetime | None
    peer: User | None
    last_message: LastMessage | None

    @property
    def changed(self) -> datetime:
        """Last change of anything that affects the order of a list: each change of a room is an entry."""
        return self.last_entry_at or self.created_at


def room_row(row: Mapping[str, Any]) -> RoomRow:
    """Return a room from a row of `COUNTED_COLUMNS`."""
    return RoomRow(
        id=as_uuid(row["id"]),
        kind=row["kind"],
        name=row["name"],
        topic=row["topic"],
        created_by=as_optional_uuid(row["created_by_id"]),
        created_at=as_datetime(row["created_at"]),
        last_seq=row["last_seq"],
        first_seq=row["first_seq"],
        member_count=row["member_count"],
        version=row["member_version"],
        last_entry_at=as_optional_datetime(row["last_entry_at"]),
        name_key=row["name_key"],
        role=row["role"],
        last_read_seq=row["last_read_seq"] or 0,
        muted=bool(row["muted"]),
        unread=row["unread"],
        mentions=row["mentions"],
        changed_at=as_optional_datetime(row["changed_at"]),
        peer=conversations.peer(row),
        last_message=conversations.last_message(row),
    )


async def room(sql: Sql, room_id: UUID, user_id: UUID) -> RoomRow | None:
    """Return a room as `user_id` sees it, member or not; None if it does not exist."""
    rows = await sql.fetch(
        f"SELECT {COUNTED_COLUMNS} FROM rooms r "
        f"LEFT JOIN memberships m ON m.room_id = r.id AND m.user_id = $2 {conversations.joins(sql)} "
        "WHERE r.id = $1 AND r.archived_at IS NULL",
        room_id,
        user_id,
    )
    return room_row(rows[0]) if rows else None


class MembershipRow(NamedTuple):
    """A room and the membership of a user. `role` is None if the user is not a member."""

    kind: str
    role: str | None
    muted: bool
    version: int


async def membership(sql: Sql, room_id: UUID, user_id: UUID) -> MembershipRow | None:
    """Return what decides on the access of a user to a room; None if the room does not exist."""
    rows = await sql.fetch(
        "SELECT r.kind, r.member_version, m.role, m.muted FROM rooms r "
        "LEFT JOIN memberships m ON m.room_id = r.id AND m.user_id = $2 "
        "WHERE r.id = $1 AND r.archived_at IS NULL",
        room_id,
        user_id,
    )
    if not rows:
        return None
    row = rows[0]
    return MembershipRow(row["kind"], row["role"], bool(row["muted"]), row["member_version"])


async def rooms_of(
    sql: Sql, user_id: UUID, limit: int, before: tuple[datetime, UUID] | None = None
) -> list[RoomRow]:
    """Return the user's rooms, newest entry first, after the cursor `before`."""
    past = "AND (r.last_entry_at, r.id) < ($3, $4)" if before else ""
    rows = await sql.fetch(
        f"SELECT {COUNTED_COLUMNS} FROM ("
        "SELECT m.id FROM memberships m JOIN rooms r ON r.id = m.room_id "
        f"WHERE m.user_id = $1 AND r.archived_at IS NULL {past} "
        "ORDER BY r.last_entry_at DESC, r.id DESC LIMIT $2) page "
        "JOIN memberships m ON m.id = page.id JOIN rooms r ON r.id = m.room_id "
        f"{conversations.joins(sql)} ORDER BY r.last_entry_at DESC, r.id DESC",
        user_id,
        limit,
        *(before or ()),
    )
    return [room_row(row) for row in rows]


def matches_name(patterns: Sequence[str], first: int) -> str:
    """Return the condition that a name matches every pattern (LIKE, escape `!`), parameters from `first`."""
    return " AND ".join(f"r.name_key LIKE ${first + index} ESCAPE '!'" for index in range(len(patterns)))


async def public_rooms(
    sql: Sql, user_id: UUID, patterns: Sequence[str], limit: int, after: tuple[str, UUID] | None = None
) -> list[RoomRow]:
    """Return public rooms whose names match every pattern, by name after `after`."""
    past = "AND (r.name_key, r.id) > ($3, $4)" if after else ""
    position = after or ()
    rows = await sql.fetch(
        f"SELECT {COUNTED_COLUMNS} FROM rooms r "
        f"LEFT JOIN memberships m ON m.room_id = r.id AND m.user_id = $1 {conversations.joins(sql)} "
        f"WHERE r.kind = 'public' AND r.archived_at IS NULL AND {matches_name(patterns, 3 + len(position))} "
        f"{past} ORDER BY r.name_key, r.id LIMIT $2",
        *(user_id, limit, *position, *patterns),
    )
    return [room_row(row) for row in rows]


async def rooms_by_id(sql: Sql, user_id: UUID, room_ids: Iterable[UUID]) -> list[RoomRow]:
    """Return these rooms by id, as the user sees them, member or not."""
    where, ids = in_clause(sql, room_ids, 2)
    rows = await sql.fetch(
        f"SELECT {COUNTED_COLUMNS} FROM rooms r "
        f"LEFT JOIN memberships m ON m.room_id = r.id AND m.user_id = $1 {conversations.joins(sql)} "
        f"WHERE r.id {where} AND r.archived_at IS NULL ORDER BY r.id",
        user_id,
        ids,
    )
    return [room_row(row) for row in rows]


async def rooms_of_members(sql: Sql, pairs: Sequence[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], RoomRow]:
    """Return (user, room) → room as its member sees it, for those of `pairs` that are memberships."""
    in_rooms, rooms = in_clause(sql, {room_id for _, room_id in pairs}, 1)
    for_users, users = in_clause(sql, {user_id for user_id, _ in pairs}, 2)
    rows = await sql.fetch(
        f"SELECT m.user_id, {COUNTED_COLUMNS} "
        "FROM memberships m "
        f"JOIN rooms r ON r.id = m.room_id {conversations.joins(sql)} "
        f"WHERE m.room_id {in_rooms} AND m.user_id {for_users} AND r.archived_at IS NULL",
        rooms,
        users,
    )
    return {(as_uuid(row["user_id"]), as_uuid(row["id"])): room_row(row) for row in rows}


async def presence_audience(sql: Sql, user_ids: Iterable[UUID], max_members: int) -> dict[UUID, list[UUID]]:
    """Return the users' direct rooms, and their other rooms with at most `max_members` members."""
    where, ids = in_clause(sql, user_ids, 2)
    rows = await sql.fetch(
        "SELECT m.user_id, m.room_id FROM memberships m JOIN rooms r ON r.id = m.room_id "
        f"WHERE m.user_id {where} AND (r.member_count <= $1 OR r.kind = 'direct') AND r.archived_at IS NULL",
        max_members,
        ids,
    )
    found: dict[UUID, list[UUID]] = {}
    for row in rows:
        found.setdefault(as_uuid(row["user_id"]), []).append(as_uuid(row["room_id"]))
    return found


async def log_spans(sql: Sql, user_id: UUID, room_ids: Iterable[UUID]) -> dict[UUID, tuple[int, int]]:
    """Return (first_seq, last_seq) of those of the rooms of which the user is a member."""
    where, ids = in_clause(sql, room_ids, 2)
    rows = await sql.fetch(
        "SELECT r.id, r.first_seq, r.last_seq FROM memberships m JOIN rooms r ON r.id = m.room_id "
        f"WHERE m.user_id = $1 AND r.id {where} AND r.archived_at IS NULL",
        user_id,
        ids,
    )
    return {as_uuid(row["id"]): (row["first_seq"], row["last_seq"]) for row in rows}


class MemberRow(NamedTuple):
    """A member, as other users see it."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    role: str
    changed: datetime  # of the account


_MEMBER_QUERY = (
    "SELECT u.id, u.username, u.display_name, u.avatar_url, m.role, u.updated_at FROM memberships m "
    "JOIN users u ON u.id = m.user_id WHERE m.room_id = $1"
)


async def members(sql: Sql, room_id: UUID, limit: int, after: str = "") -> list[MemberRow]:
    """Return the members of a room by username, after the username `after`."""
    text = f"{_MEMBER_QUERY} AND u.username > $2 ORDER BY u.username LIMIT $3"
    return [_member_row(row) for row in await sql.fetch(text, room_id, after, limit)]


async def members_by_id(sql: Sql, room_id: UUID, user_ids: Iterable[UUID]) -> list[MemberRow]:
    """Return those of the users that are members of the room, by id."""
    where, ids = in_clause(sql, user_ids, 2)
    return [
        _member_row(row)
        for row in await sql.fetch(f"{_MEMBER_QUERY} AND u.id {where} ORDER BY u.id", room_id, ids)
    ]


def _member_row(row: Mapping[str, Any]) -> MemberRow:
    return MemberRow(
        as_uuid(row["id"]),
        row["username"],
        row["display_name"],
        row["avatar_url"],
        row["role"],
        as_datetime(row["updated_at"]),
    )


async def members_named(sql: Sql, room_id: UUID, usernames: Iterable[str]) -> dict[str, UUID]:
    """Return username → id for those of the names that are members of the room."""
    names = list(usernames)
    numbers = ", ".join(f"${number}" for number in range(2, len(names) + 2))
    rows = await sql.fetch(
        "SELECT u.id, u.username FROM memberships m JOIN users u ON u.id = m.user_id "
        f"WHERE m.room_id = $1 AND u.username IN ({numbers})",
        room_id,
        *names,
    )
    return {row["username"]: as_uuid(row["id"]) for row in rows}


async def users_sharing_a_room(
    sql: Sql, user_id: UUID, others: Iterable[UUID]
) -> dict[UUID, datetime | None]:
    """Return those of `others` who share a room with the user, and when each was last seen."""
    where, ids = in_clause(sql, others, 2)
    rows = await sql.fetch(
        "SELECT u.id, u.last_seen_at FROM users u WHERE u.id "
        f"{where} AND (u.id = $1 OR EXISTS (SELECT 1 FROM memberships a "
        "JOIN memberships b ON b.room_id = a.room_id "
        "WHERE a.user_id = $1 AND b.user_id = u.id))",
        user_id,
        ids,
    )
    return {as_uuid(row["id"]): as_optional_datetime(row["last_seen_at"]) for row in rows}
