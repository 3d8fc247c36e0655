"""The account of a caller, in plain SQL: it is read with every start of a client."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql, as_datetime, as_optional_datetime, as_uuid


class AccountRow(NamedTuple):
    """The columns of an account that its owner sees. The names are those of `models.User`."""

    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    email: str
    role: str
    email_verified_at: datetime | None
    created_at: datetime


async def account(sql: Sql, user_id: UUID) -> AccountRow | None:
    """Return an account; None if it does not exist."""
    rows = await sql.fetch(
        "SELECT id, username, display_name, avatar_url, email, role, email_verified_at, created_at "
        "FROM users WHERE id = $1",
        user_id,
    )
    if not rows:
        return None
    row = rows[0]
    return AccountRow(
        as_uuid(row["id"]),
        row["username"],
        row["display_name"],
        row["avatar_url"],
        row["email"],
        row["role"],
        as_optional_datetime(row["email_verified_at"]),
        as_datetime(row["created_at"]),
    )
