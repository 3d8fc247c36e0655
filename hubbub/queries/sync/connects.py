"""What a socket of a user who is not cached needs first, by one statement."""

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub.db.sql import Sql, as_uuid, in_clause
from hubbub.queries.sync.change_counters import SESSION_COLUMNS, MembershipRow, SessionRow, session_row


class SessionWithMemberships(NamedTuple):
    """A session, and the memberships of its user at the same moment."""

    session: SessionRow
    memberships: list[MembershipRow]


_decode_memberships = msgspec.json.Decoder(list[MembershipRow], strict=False).decode  # SQLite's 1 is true
_MEMBERSHIP_FIELDS = (
    "m.room_id, r.kind, m.role, m.muted, m.joined_seq, r.member_version, r.member_count"  # of MembershipRow
)
_ALL_MEMBERSHIPS = {
    "postgres": f"json_agg(json_build_array({_MEMBERSHIP_FIELDS}))",
    "sqlite": f"json_group_array(json_array({_MEMBERSHIP_FIELDS}))",
}


async def sessions_with_memberships(
    sql: Sql, session_ids: Iterable[UUID]
) -> dict[UUID, SessionWithMemberships]:
    """Return sessions by their ids, each with the memberships of its user, with one query."""
    where, ids = in_clause(sql, session_ids)
    rows = await sql.fetch(
        f"SELECT {SESSION_COLUMNS}, (SELECT {_ALL_MEMBERSHIPS[sql.dialect]} FROM memberships m "
        "JOIN rooms r ON r.id = m.room_id WHERE m.user_id = s.user_id AND r.archived_at IS NULL) AS rooms "
        f"FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id {where}",
        ids,
    )
    return {
        as_uuid(row["id"]): SessionWithMemberships(
            session_row(row), _decode_memberships(row["rooms"]) if row["rooms"] is not None else []
        )
        for row in rows
    }
