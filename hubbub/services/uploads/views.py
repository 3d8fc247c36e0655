"""Uploads as clients see them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from hubbub import models
from hubbub.config import Settings
from hubbub.core import clock
from hubbub.core.files import names
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.schemas.uploads import uploads as wire

if TYPE_CHECKING:
    from uuid import UUID


async def to_views(rows: Sequence[models.Upload]) -> list[wire.Upload]:
    """Return uploads as clients see them, without signatures."""
    return [wire.Upload(**fields) for fields in await _fields(rows)]


async def to_own_views(rows: Sequence[models.Upload], signer: UrlSigner) -> list[wire.OwnUpload]:
    """Return uploads as their uploader sees them."""
    return [
        wire.OwnUpload(**fields, signed_url=f"{fields['url']}?{signer.query(fields['id'])}")
        for fields in await _fields(rows)
    ]


async def _fields(rows: Sequence[models.Upload]) -> list[dict[str, Any]]:
    """Return the fields of the views. One query for all thumbnails."""
    found = await thumbnails([row.id for row in rows])
    return [_view_fields(row, found[row.id]) for row in rows]


async def thumbnails(upload_ids: Collection["UUID"]) -> "defaultdict[UUID, list[wire.Thumbnail]]":
    """Return the thumbnails of uploads by upload, narrowest first, with one query."""
    found: defaultdict[UUID, list[wire.Thumbnail]] = defaultdict(list)
    files = models.UploadFile.filter(upload_id__in=list(upload_ids), thumbnail_width__isnull=False)
    async with database.guard():
        rows = await files.order_by("thumbnail_width")
    for file in rows:
        url = names.to_path(file.upload_id, file.name)
        found[file.upload_id].append(wire.Thumbnail(width=file.thumbnail_width or 0, url=url))
    return found


def _view_fields(row: models.Upload, thumbnails: list[wire.Thumbnail]) -> dict[str, Any]:
    is_image = row.width is not None
    return {
        "id": row.id,
        "url": names.to_path(row.id, row.name),
        "kind": row.kind,
        "name": row.name,
        "content_type": row.content_type,
        "size": row.size,
        "width": row.width if is_image else UNSET,
        "height": row.height if is_image else UNSET,
        "thumbnails": thumbnails if is_image else UNSET,
        "created_at": clock.rfc3339(row.created_at),
    }


def public_url(settings: Settings, row: models.Upload) -> str:
    """Return the URL of an upload that is public: at the CDN, if there is one."""
    return f"{settings.cdn_url or ''}{names.to_path(row.id, row.name)}"
