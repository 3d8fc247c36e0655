"""Portfolios that the public sees: those of accounts that are neither deleted nor suspended."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.db.sql import Sql, as_optional_datetime, as_uuid, in_texts
from hubbub.queries.portfolio.rows import Values, fields_of
from hubbub.schemas.portfolio.profile import COLUMNS


class PublicVersion(NamedTuple):
    """The version of a portfolio that is public."""

    user_id: UUID
    version: int


class Owner(NamedTuple):
    """The owner of a public portfolio, with the profile."""

    user_id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    profile: Values  # by field

    def shows(self, switch: str) -> bool:
        """Return whether the owner shows the part with this switch."""
        return bool(self.profile.get(switch, True))


_FROM = (
    "FROM users u JOIN portfolio_profiles p ON p.user_id = u.id "
    "WHERE p.is_public = $2 AND u.deleted_at IS NULL AND "
)
_VERSIONS = "SELECT u.username, u.id, p.version, u.suspended_at, u.suspended_until " + _FROM
_OWNER = (
    "SELECT u.id, u.username, u.display_name, u.avatar_url, u.suspended_at, u.suspended_until, "
    + ", ".join(f'p."{column.name}"' for column in COLUMNS)
    + f" {_FROM} u.id = $1"
)


async def versions(sql: Sql, usernames: Iterable[str]) -> dict[str, PublicVersion]:
    """Return the versions of public portfolios by username, with one query."""
    where, names = in_texts(sql, usernames)
    statement = f"{_VERSIONS} u.username {where}"
    rows = await sql.fetch(statement, names, True)  # noqa: FBT003 - the value of a column
    now = clock.now()
    return {
        row["username"]: PublicVersion(as_uuid(row["id"]), int(row["version"]))
        for row in rows
        if not _is_suspended(row, now)
    }


async def owner(sql: Sql, user_id: UUID) -> Owner | None:
    """Return the owner of a portfolio; None if it is not public."""
    rows = await sql.fetch(_OWNER, user_id, True)  # noqa: FBT003 - the value of a column
    if not rows or _is_suspended(rows[0], clock.now()):
        return None
    row = rows[0]
    profile = fields_of(COLUMNS, row)
    return Owner(as_uuid(row["id"]), row["username"], row["display_name"], row["avatar_url"], profile)


def _is_suspended(row: Mapping[str, Any], now: datetime) -> bool:
    until = as_optional_datetime(row["suspended_until"])
    return row["suspended_at"] is not None and (until is None or until > now)
