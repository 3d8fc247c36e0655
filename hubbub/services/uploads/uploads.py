"""Uploads of a user: store, list, get and delete."""

from uuid import UUID

from hubbub import models
from hubbub.core.errors import Conflict, NotFound
from hubbub.db import database
from hubbub.schemas.jobs import RemoveObjects
from hubbub.schemas.portfolio.profile import RESUME_REFERENCE
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.schemas.uploads import uploads as wire
from hubbub.services import pagination
from hubbub.services.context import Context
from hubbub.services.uploads import receiving, views
from hubbub.services.uploads.receiving import Addition, UploadRequest

MAX_NAMED = 20  # references of a kind
# What a reference is called in an error, by its kind.
REFERENCE_NAMES = {
    "avatar": "your avatar",
    RESUME_REFERENCE: "the resume in your portfolio",
    **{each.name: f"part of your portfolio ({each.name})" for each in RESOURCES},
}


async def store(ctx: Context, request: UploadRequest, addition: Addition | None = None) -> list[wire.Upload]:
    """Store the files of a request, all or none, with what another operation adds to the transaction.

    Raises what `receiving.receive` raises.
    """
    return await views.to_views(await receiving.receive(ctx, request, addition))


async def list_uploads(ctx: Context, command: wire.ListUploads) -> tuple[list[wire.OwnUpload], int]:
    """Return a page of the caller's uploads, newest first, and the number of all."""
    found = models.Upload.filter(pagination.search_filter(command.query, ("name",)), user_id=ctx.user_id)
    if command.kind is not None:
        found = found.filter(kind=command.kind)
    rows, total = await pagination.page(
        found.order_by(*pagination.order_columns(command, "-created_at")), command
    )
    return await views.to_own_views(rows, ctx.container.url_signer), total


async def get(ctx: Context, command: wire.UploadRef) -> wire.OwnUpload:
    """Return an upload of the caller. Raises NotFound."""
    async with database.guard():
        row = await models.Upload.filter(id=command.upload_id, user_id=ctx.user_id).first()
    if row is None:
        raise NotFound("Upload not found.")
    return (await views.to_own_views([row], ctx.container.url_signer))[0]


async def delete(ctx: Context, command: wire.UploadRef) -> None:
    """Delete an upload of the caller. A job deletes the bytes, unless another upload has the same.

    Raises NotFound, Conflict that names what refers to the upload.
    """
    async with ctx.unit() as unit:
        own = models.Upload.filter(id=command.upload_id, user_id=ctx.user_id)
        row = await own.select_for_update().first()
        if row is None:
            raise NotFound("Upload not found.")
        if references := await _references(row.id):
            message = "The upload is in use. Remove it from there first."
            raise Conflict(message, fields=tuple(references))
        object_ids = await delete_rows([row.id])
        await unit.enqueue(RemoveObjects(object_ids=object_ids))


async def _references(upload_id: UUID) -> list[tuple[str, str]]:
    """Return what refers to an upload, at most 20 of each kind, for the fields of an error."""
    rows = await models.UploadReference.filter(upload_id=upload_id).order_by("id").limit(MAX_NAMED)
    attached = models.Attachment.filter(upload_id=upload_id).order_by("id").limit(MAX_NAMED)
    message_ids = await attached.values_list("message_id", flat=True)
    return [
        *((f"{each.kind}:{each.target_id}", f"The upload is {REFERENCE_NAMES[each.kind]}.") for each in rows),
        *((f"message:{each}", "A message has the upload attached.") for each in message_ids),
    ]


async def delete_rows(upload_ids: list[UUID]) -> list[UUID]:
    """Delete locked uploads, also from messages, in the caller's transaction.

    Returns the ids of the bytes to which they referred.
    """
    files = models.UploadFile.filter(upload_id__in=upload_ids)
    object_ids = [UUID(str(each)) for each in await files.values_list("stored_object_id", flat=True)]
    await models.Attachment.filter(upload_id__in=upload_ids).delete()
    await models.Upload.filter(id__in=upload_ids).delete()
    return sorted(set(object_ids))
