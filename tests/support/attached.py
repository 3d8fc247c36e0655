"""Uploads to attach to messages, as rows without bytes."""

from typing import Any
from uuid import UUID

from hubbub import models
from hubbub.core import clock
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.queries.uploads import attachments
from hubbub.schemas.uploads.uploads import Upload

SIGNER = UrlSigner(["a secret key of tests, not of the instance"])


async def make_uploads(user_id: object, count: int = 1, **columns: Any) -> list[Upload]:
    """Create uploads of a user; returns them as messages show them."""
    rows = [
        await models.Upload.create(
            **{
                "user_id": user_id,
                "kind": "document",
                "name": f"{number}.pdf",
                "content_type": "application/pdf",
                "size": 9,
                "created_at": clock.now(),
                "unreferenced_since": clock.now(),
                **columns,
            }
        )
        for number in range(count)
    ]
    ids = [UUID(str(row.id)) for row in rows]
    found = await attachments.load(database.connection(), ids, SIGNER)
    return [found[each] for each in ids]
