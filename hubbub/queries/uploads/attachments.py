"""The uploads that messages show, in plain SQL: one query for all messages of a page."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from msgspec import UNSET

from hubbub.core import clock
from hubbub.core.files import names
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db.sql import Rows, Sql, as_datetime, as_uuid, in_clause
from hubbub.schemas.uploads.uploads import Thumbnail, Upload

_SELECT = (
    "SELECT u.id, u.kind, u.name, u.content_type, u.size, u.width, u.height, u.created_at, "
    "f.name AS thumbnail_name, f.thumbnail_width "
    "FROM uploads u LEFT JOIN upload_files f ON f.upload_id = u.id AND f.thumbnail_width IS NOT NULL"
)


async def load(sql: Sql, upload_ids: Iterable[UUID], signer: UrlSigner) -> dict[UUID, Upload]:
    """Return uploads by id, with signed URLs. Those that do not exist are missing."""
    where, ids = in_clause(sql, upload_ids)
    return _views(await sql.fetch(f"{_SELECT} WHERE u.id {where} ORDER BY f.thumbnail_width", ids), signer)


async def load_own(
    sql: Sql, upload_ids: Iterable[UUID], user_id: UUID, signer: UrlSigner
) -> dict[UUID, Upload]:
    """Return those of the uploads that a user uploaded, as `load` does."""
    where, ids = in_clause(sql, upload_ids)
    statement = f"{_SELECT} WHERE u.id {where} AND u.user_id = $2 ORDER BY f.thumbnail_width"
    return _views(await sql.fetch(statement, ids, user_id), signer)


def _views(rows: Rows, signer: UrlSigner) -> dict[UUID, Upload]:
    """Return the views of rows of which each has one thumbnail of its upload, or none."""
    views: dict[UUID, Upload] = {}
    queries: dict[UUID, str] = {}
    for row in rows:
        upload_id = as_uuid(row["id"])
        if (view := views.get(upload_id)) is None:
            queries[upload_id] = signer.query(upload_id)
            view = views[upload_id] = _view(upload_id, row, queries[upload_id])
        if row["thumbnail_width"] is not None and isinstance(view.thumbnails, list):
            url = f"{names.to_path(upload_id, row['thumbnail_name'])}?{queries[upload_id]}"
            view.thumbnails.append(Thumbnail(width=row["thumbnail_width"], url=url))
    return views


def _view(upload_id: UUID, row: Mapping[str, Any], query: str) -> Upload:
    is_image = row["width"] is not None
    return Upload(
        id=upload_id,
        url=f"{names.to_path(upload_id, row['name'])}?{query}",
        kind=row["kind"],
        name=row["name"],
        content_type=row["content_type"],
        size=row["size"],
        width=row["width"] if is_image else UNSET,
        height=row["height"] if is_image else UNSET,
        thumbnails=[] if is_image else UNSET,
        created_at=clock.rfc3339(as_datetime(row["created_at"])),
    )
