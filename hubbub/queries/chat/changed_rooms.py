"""Ids of the items of a list that changed since a moment, in an order that no change affects."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_uuid
from hubbub.queries.chat.rooms import matches_name


class ChangedSince(NamedTuple):
    """The filter: at most `limit` ids after `after`, of items that changed after `moment`."""

    moment: datetime
    after: UUID
    limit: int


async def rooms_of(sql: Sql, user_id: UUID, since: ChangedSince) -> list[UUID]:
    """Return the rooms of a user that have an entry since then."""
    rows = await sql.fetch(
        "SELECT r.id FROM memberships m JOIN rooms r ON r.id = m.room_id WHERE m.user_id = $1 "
        "AND r.archived_at IS NULL AND r.last_entry_at > $2 AND r.id > $3 ORDER BY r.id LIMIT $4",
        *(user_id, *since),
    )
    return [as_uuid(row["id"]) for row in rows]


async def public_rooms(sql: Sql, patterns: Sequence[str], since: ChangedSince) -> list[UUID]:
    """Return public rooms that have an entry since then; a rename is one. `patterns` as in `rooms`."""
    rows = await sql.fetch(
        "SELECT r.id FROM rooms r WHERE r.kind = 'public' AND r.archived_at IS NULL "
        f"AND {matches_name(patterns, 4)} AND r.last_entry_at > $1 AND r.id > $2 ORDER BY r.id LIMIT $3",
        *(*since, *patterns),
    )
    return [as_uuid(row["id"]) for row in rows]


async def members(sql: Sql, room_id: UUID, since: ChangedSince) -> list[UUID]:
    """Return the members of a room whose accounts changed since then."""
    rows = await sql.fetch(
        "SELECT u.id FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.room_id = $1 "
        "AND u.updated_at > $2 AND u.id > $3 ORDER BY u.id LIMIT $4",
        *(room_id, *since),
    )
    return [as_uuid(row["id"]) for row in rows]
