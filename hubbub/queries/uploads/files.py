"""The file at a URL, with what decides about access to it."""

from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.db.sql import Sql, as_uuid
from hubbub.queries.portfolio.public_uploads import IS_SHOWN


class FileRow(NamedTuple):
    """A file of an upload."""

    user_id: UUID  # the uploader
    upload_name: str
    content_type: str
    object_id: UUID
    digest: str  # SHA-256 of the bytes, in hex
    size: int  # bytes
    is_public: bool  # whether something public shows the upload


_FIND = (
    "SELECT u.user_id, u.name AS upload_name, f.content_type, s.id AS object_id, s.digest, s.size, "
    "(EXISTS (SELECT 1 FROM upload_references r WHERE r.upload_id = u.id AND r.kind = 'avatar') "
    f"OR {IS_SHOWN.format(now='$3')}) AS is_public "
    "FROM uploads u JOIN upload_files f ON f.upload_id = u.id "
    "JOIN stored_objects s ON s.id = f.stored_object_id "
    "JOIN users o ON o.id = u.user_id LEFT JOIN portfolio_profiles p ON p.user_id = u.user_id "
    "WHERE u.id = $1 AND f.name = $2"
)


async def find(sql: Sql, upload_id: UUID, name: str) -> FileRow | None:
    """Return a file by the id of its upload and its name in the URL."""
    rows = await sql.fetch(_FIND, upload_id, name, clock.now())
    if not rows:
        return None
    row = rows[0]
    return FileRow(
        as_uuid(row["user_id"]),
        row["upload_name"],
        row["content_type"],
        as_uuid(row["object_id"]),
        row["digest"],
        row["size"],
        bool(row["is_public"]),
    )


_IS_ATTACHED = (
    "SELECT EXISTS (SELECT 1 FROM message_attachments a JOIN memberships m ON m.room_id = a.room_id "
    "WHERE a.upload_id = $1 AND m.user_id = $2) AS visible"
)


async def is_attached_for(sql: Sql, upload_id: UUID, user_id: UUID) -> bool:
    """Return whether a message in a room of the user has the upload attached."""
    rows = await sql.fetch(_IS_ATTACHED, upload_id, user_id)
    return bool(rows[0]["visible"])
