"""SQL with which an instance finds the changes of its cached users: set-based, for both dialects."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.db.locking import lock_condition
from hubbub.db.sql import Sql, as_datetime, as_optional_datetime, as_uuid, in_clause


async def bump_version(tx: Sql, user_ids: Iterable[UUID]) -> None:
    """Count a change: a session or a membership of these users was added, changed or removed.

    Locks their rows in the order of their ids, so that two writers can't deadlock.
    """
    where, ids = in_clause(tx, user_ids)
    rows = lock_condition(tx, "users", f"id {where}")
    await tx.execute(f"UPDATE users SET version = version + 1 WHERE id {rows}", ids)


async def bump_read_version(tx: Sql, user_id: UUID) -> None:
    """Count a change of a user's read state."""
    await tx.execute("UPDATE users SET marks = marks + 1 WHERE id = $1", user_id)


class KnownUser(NamedTuple):
    """A user's counters in the cache of an instance."""

    user_id: UUID
    version: int
    read_version: int


class ChangedUser(NamedTuple):
    """A user whose state differs from the cached one."""

    user_id: UUID
    version: int
    read_version: int
    username: str
    display_name: str
    avatar_url: str | None
    role: str
    suspended_at: datetime | None
    suspended_until: datetime | None
    suspend_reason: str | None
    deleted: bool


_SELECT_USERS = (
    "SELECT u.id, u.version, u.marks, u.username, u.display_name, u.avatar_url, u.role, u.suspended_at, "
    "u.suspended_until, u.suspend_reason, u.deleted_at FROM "
)
_BLOCKED_CONDITION = "OR u.suspended_at IS NOT NULL OR u.deleted_at IS NOT NULL"


async def changed_users(sql: Sql, known: Sequence[KnownUser]) -> list[ChangedUser]:
    """Return users whose counters differ, and all who are suspended or deleted, with one query."""
    if sql.dialect == "postgres":
        rows = await sql.fetch(
            f"{_SELECT_USERS} unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS seen(id, version, marks) "
            "JOIN users u ON u.id = seen.id "
            f"WHERE u.version <> seen.version OR u.marks <> seen.marks {_BLOCKED_CONDITION}",
            [each.user_id for each in known],
            [each.version for each in known],
            [each.read_version for each in known],
        )
    else:
        rows = await sql.fetch(
            f"{_SELECT_USERS} json_each($1) AS seen JOIN users u ON u.id = json_extract(seen.value, '$[0]') "
            "WHERE u.version <> json_extract(seen.value, '$[1]') "
            f"OR u.marks <> json_extract(seen.value, '$[2]') {_BLOCKED_CONDITION}",
            json.dumps([(str(each.user_id), each.version, each.read_version) for each in known]),
        )
    return [_changed_user(row) for row in rows]


def _changed_user(row: Mapping[str, Any]) -> ChangedUser:
    return ChangedUser(
        as_uuid(row["id"]),
        row["version"],
        row["marks"],
        row["username"],
        row["display_name"],
        row["avatar_url"],
        row["role"],
        as_optional_datetime(row["suspended_at"]),
        as_optional_datetime(row["suspended_until"]),
        row["suspend_reason"],
        row["deleted_at"] is not None,
    )


class SessionRow(NamedTuple):
    """A session with the fields of its user that decide whether it is accepted."""

    id: UUID
    user_id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    role: str
    version: int
    read_version: int
    suspended_at: datetime | None
    suspended_until: datetime | None
    suspend_reason: str | None
    deleted: bool
    revoked: bool
    created_at: datetime
    expires_at: datetime


_ROLES = {role: role for role in ("user", "moderator", "admin")}  # each row has a text of its own
SESSION_COLUMNS = (
    "s.id, s.user_id, u.username, u.display_name, u.avatar_url, u.role, u.version, u.marks, "
    "u.suspended_at, u.suspended_until, u.suspend_reason, u.deleted_at, "
    "s.revoked_at, s.created_at, s.expires_at"
)


async def sessions(sql: Sql, session_ids: Iterable[UUID]) -> dict[UUID, SessionRow]:
    """Return sessions by their ids, with one query."""
    where, ids = in_clause(sql, session_ids)
    rows = await sql.fetch(
        f"SELECT {SESSION_COLUMNS} FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id {where}",
        ids,
    )
    found = map(session_row, rows)
    return {row.id: row for row in found}


def session_row(row: Mapping[str, Any]) -> SessionRow:
    """Return a session from a row of `SESSION_COLUMNS`."""
    return SessionRow(
        as_uuid(row["id"]),
        as_uuid(row["user_id"]),
        row["username"],
        row["display_name"],
        row["avatar_url"],
        _ROLES.get(row["role"], row["role"]),
        row["version"],
        row["marks"],
        as_optional_datetime(row["suspended_at"]),
        as_optional_datetime(row["suspended_until"]),
        row["suspend_reason"],
        row["deleted_at"] is not None,
        row["revoked_at"] is not None,
        as_datetime(row["created_at"]),
        as_datetime(row["expires_at"]),
    )


class RevokedSession(NamedTuple):
    """A revoked session and the reason."""

    user_id: UUID
    reason: str | None


async def revoked_sessions(sql: Sql, session_ids: Iterable[UUID]) -> dict[UUID, RevokedSession]:
    """Return those of the sessions that were revoked."""
    where, ids = in_clause(sql, session_ids)
    rows = await sql.fetch(
        f"SELECT id, user_id, revoke_reason FROM sessions WHERE id {where} AND revoked_at IS NOT NULL",
        ids,
    )
    return {as_uuid(row["id"]): RevokedSession(as_uuid(row["user_id"]), row["revoke_reason"]) for row in rows}


async def revoke_sessions(tx: Sql, user_id: UUID, except_session_id: UUID | None, reason: str) -> list[UUID]:
    """Revoke all sessions of a user but `except_session_id`, locked by ascending id; return their ids."""
    exclusion = "AND id <> $4" if except_session_id is not None else ""
    rows = await tx.fetch(
        f"UPDATE sessions SET revoked_at = $2, revoke_reason = $3 "
        f"WHERE id {lock_condition(tx, 'sessions', f'user_id = $1 AND revoked_at IS NULL {exclusion}')} "
        "RETURNING id",
        *(user_id, clock.now(), reason, *([except_session_id] if except_session_id is not None else [])),
    )
    return [as_uuid(row["id"]) for row in rows]


class MembershipRow(NamedTuple):
    """The fields of a membership that an instance caches."""

    room_id: UUID
    kind: str
    role: str
    muted: bool
    joined_seq: int
    version: int
    member_count: int


class UserMemberships(NamedTuple):
    """A user's counters and memberships at one moment."""

    version: int
    read_version: int
    rooms: list[MembershipRow]


async def memberships(sql: Sql, user_ids: Iterable[UUID]) -> dict[UUID, UserMemberships]:
    """Return all memberships of each of the users, with one query."""
    where, ids = in_clause(sql, user_ids)
    rows = await sql.fetch(
        "SELECT u.id AS user_id, u.version, u.marks, m.room_id, r.kind, m.role, m.muted, m.joined_seq, "
        "r.member_version, r.member_count FROM users u LEFT JOIN memberships m ON m.user_id = u.id "
        f"LEFT JOIN rooms r ON r.id = m.room_id AND r.archived_at IS NULL WHERE u.id {where}",
        ids,
    )
    found: dict[UUID, UserMemberships] = {}
    for row in rows:
        user_id = as_uuid(row["user_id"])
        user = found.get(user_id)
        if user is None:
            user = found[user_id] = UserMemberships(row["version"], row["marks"], [])
        if row["kind"] is None:
            continue
        user.rooms.append(
            MembershipRow(
                as_uuid(row["room_id"]),
                row["kind"],
                row["role"],
                bool(row["muted"]),
                row["joined_seq"],
                row["member_version"],
                row["member_count"],
            )
        )
    return found
