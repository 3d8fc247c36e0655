"""Attachments of messages: the uploads of a sender, and their release when a message is deleted."""

from datetime import datetime
from uuid import UUID

from hubbub import models
from hubbub.core.errors import InvalidPayload
from hubbub.db import database
from hubbub.db.sql import Sql
from hubbub.queries.uploads import attachments, references
from hubbub.schemas.chat import messages as wire
from hubbub.schemas.uploads.uploads import ATTACHABLE_KINDS, Upload
from hubbub.services.context import Context
from hubbub.services.eventlog import batches

ATTACHED_TWICE = "The same upload is attached twice."
NOT_ATTACHABLE = "Only images and documents can be attached."


async def load_own(ctx: Context, command: wire.SendMessage) -> list[Upload]:
    """Return the uploads that a message attaches, in the order of the sender, with signed URLs.

    One query; none without attachments. The writer checks again that they exist. A message that was stored
    before needs no uploads: they may be deleted by now. Raises InvalidPayload, NotFound.
    """
    upload_ids = command.attachments or []
    if not upload_ids:
        return []
    repeated = [index for index, upload_id in enumerate(upload_ids) if upload_id in upload_ids[:index]]
    _refuse(ATTACHED_TWICE, repeated)
    async with database.guard():
        found = await attachments.load_own(
            database.connection(), upload_ids, ctx.user_id, ctx.container.url_signer
        )
        if missing := [index for index, upload_id in enumerate(upload_ids) if upload_id not in found]:
            if await models.Message.exists(sender_id=ctx.user_id, client_id=command.client_id):
                return []
            raise batches.upload_not_found(*missing)
    uploads = [found[each] for each in upload_ids]
    other_kinds = [index for index, upload in enumerate(uploads) if upload.kind not in ATTACHABLE_KINDS]
    _refuse(NOT_ATTACHABLE, other_kinds)
    return uploads


def _refuse(reason: str, indexes: list[int]) -> None:
    """Raise InvalidPayload if there are indexes of attachments."""
    if indexes:
        raise InvalidPayload(fields=tuple((f"attachments[{index}]", reason) for index in indexes))


async def release(tx: Sql, message_id: UUID, at: datetime) -> None:
    """Remove the attachments of a message, whose room is locked. The uploads stay, and may be deleted."""
    rows = models.Attachment.filter(message_id=message_id)
    if upload_ids := [row.upload_id for row in await rows]:
        await references.lock(tx, upload_ids)
        await rows.delete()
        await references.release(tx, upload_ids, at)
