"""API keys by prefix, with the fields that authentication needs."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from hubbub.db.sql import Sql, as_optional_datetime, as_uuid, in_texts

if TYPE_CHECKING:
    from uuid import UUID


class ApiKeyRow(NamedTuple):
    """A key with the fields of its user that decide whether it is accepted."""

    id: "UUID"
    user_id: "UUID"
    username: str
    display_name: str
    avatar_url: str | None
    role: str
    suspended_at: datetime | None
    suspended_until: datetime | None
    deleted: bool
    digest: str
    scopes: str
    sealed_secret: str | None
    expires_at: datetime | None


async def find(sql: Sql, prefixes: Sequence[str]) -> dict[str, ApiKeyRow]:
    """Return keys by their prefixes, with one query."""
    where, values = in_texts(sql, prefixes)
    rows = await sql.fetch(
        "SELECT k.id, k.user_id, k.prefix, k.digest, k.scopes, k.sealed_secret, k.expires_at, u.username, "
        "u.display_name, u.avatar_url, u.role, u.suspended_at, u.suspended_until, u.deleted_at "
        f"FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.prefix {where}",
        values,
    )
    return {
        row["prefix"]: ApiKeyRow(
            as_uuid(row["id"]),
            as_uuid(row["user_id"]),
            row["username"],
            row["display_name"],
            row["avatar_url"],
            row["role"],
            as_optional_datetime(row["suspended_at"]),
            as_optional_datetime(row["suspended_until"]),
            row["deleted_at"] is not None,
            row["digest"],
            row["scopes"],
            row["sealed_secret"],
            as_optional_datetime(row["expires_at"]),
        )
        for row in rows
    }
