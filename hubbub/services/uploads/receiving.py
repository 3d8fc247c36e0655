"""Receives files: streamed to temporary files, checked, converted, stored, and recorded in one transaction.

Nothing of a refused or aborted upload is left. What a process leaves when it is killed is removed by the
schedule UPLOADS.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from hubbub import models
from hubbub.core import clock, metrics
from hubbub.core.errors import (
    HubbubError,
    InvalidPayload,
    NotFound,
    TooLarge,
    Unavailable,
)
from hubbub.core.files import names
from hubbub.db import database
from hubbub.queries.uploads import usage
from hubbub.services.context import Context, UnitOfWork
from hubbub.services.uploads import checks, stored_objects
from hubbub.services.uploads.checks import IMAGE_KINDS, PreparedUpload
from hubbub.services.uploads.spool import SizeLimit, Spool
from hubbub.services.uploads.stored_objects import Placed
from hubbub.services.users import users

MAX_ATTEMPTS = 3  # of the transaction: others may store or remove the same bytes at the same time
NOT_NOW = "Files can't be stored now. Try again in a moment."


@dataclass(slots=True)
class IncomingFile:
    """A file of a request, whose content is still being sent."""

    name: str | None  # as the client named it
    chunks: AsyncIterator[bytes]


class UploadRequest(NamedTuple):
    """The files of a request. With `several`, errors name the position of the file."""

    kind: str
    files: AsyncIterator[IncomingFile]
    field: str  # of the form
    max_files: int = 1

    @property
    def several(self) -> bool:
        """Whether there may be more than one file."""
        return self.max_files > 1


# What an operation adds to the transaction that stores the uploads.
Addition = Callable[[UnitOfWork, models.User, list[models.Upload]], Awaitable[None]]


async def receive(
    ctx: Context, request: UploadRequest, addition: Addition | None = None
) -> list[models.Upload]:
    """Store the files of a request, all or none.

    Raises UnsupportedContent, InvalidPayload, TooLarge, RateLimited, StorageFull, Unavailable, NotFound.
    """
    container = ctx.container
    async with AsyncExitStack() as stack:
        stack.enter_context(container.active_uploads.count(ctx.user_id))
        spool = await stack.enter_async_context(Spool(container.storage))
        prepared = await _prepare_all(ctx, request, spool)
        return await _store(ctx, prepared, addition)


async def _prepare_all(ctx: Context, request: UploadRequest, spool: Spool) -> list[PreparedUpload]:
    async with database.guard():
        left = await _quota_left(ctx)
    prepared: list[PreparedUpload] = []
    async for file in request.files:
        if len(prepared) == request.max_files:
            message = f"At most {request.max_files} files." if request.several else "One file only."
            raise InvalidPayload(fields=((request.field, message),))
        try:
            upload = await _prepare(ctx, request.kind, file, spool, left)
        except HubbubError as error:
            raise _with_position(error, request, len(prepared)) from None
        left -= upload.size
        prepared.append(upload)
    if not prepared:
        raise InvalidPayload(fields=((request.field, "A file is required."),))
    return prepared


async def _prepare(
    ctx: Context, kind: str, file: IncomingFile, spool: Spool, quota_left: int
) -> PreparedUpload:
    limit = _size_limit(ctx, kind)
    if quota_left < limit.max_bytes:
        limit = SizeLimit(max(0, quota_left), _quota_message(ctx))
    received = await spool.receive(file.chunks, limit)
    if not received.size:
        raise InvalidPayload("The file is empty.")
    return await checks.prepare(ctx.container, kind, names.sanitize(file.name), received, spool)


def _with_position(error: HubbubError, request: UploadRequest, position: int) -> HubbubError:
    """Return an error that names the field and the position of the file."""
    if error.code in ("unavailable", "rate_limited", "internal", "bad_request"):
        return error
    field = f"{request.field}[{position}]" if request.several else request.field
    error.fields = ((field, error.message),)
    return error


def _size_limit(ctx: Context, kind: str) -> SizeLimit:
    settings = ctx.container.settings
    max_bytes = settings.max_image_bytes if kind in IMAGE_KINDS else settings.max_upload_bytes
    return SizeLimit(max_bytes, f"The file is larger than {max_bytes} bytes.")


async def _quota_left(ctx: Context) -> int:
    used = await usage.total_bytes(database.connection(), ctx.user_id)
    return max(0, ctx.container.settings.upload_quota_bytes - used)


def _quota_message(ctx: Context) -> str:
    quota = ctx.container.settings.upload_quota_bytes
    return f"Your uploads may have {quota} bytes together. Delete some first."


async def _store(
    ctx: Context, prepared: list[PreparedUpload], addition: Addition | None
) -> list[models.Upload]:
    """Store the bytes, then the rows, in one transaction. Raises TooLarge, StorageFull, Unavailable."""
    placed: dict[str, Placed] = {}
    try:
        rows, unused = await _place_and_commit(ctx, prepared, placed, addition)
    except BaseException:
        await stored_objects.discard(ctx.container, placed.values())
        raise
    await stored_objects.discard(ctx.container, unused)
    for upload in prepared:
        metrics.count("uploads_stored", upload.kind)
    return rows


async def _place_and_commit(
    ctx: Context, prepared: list[PreparedUpload], placed: dict[str, Placed], addition: Addition | None
) -> tuple[list[models.Upload], list[Placed]]:
    """Store bytes and rows; `placed` is filled with the bytes. Returns the rows and unused bytes."""
    files = [file.local for upload in prepared for file in upload.files]
    for _ in range(MAX_ATTEMPTS):
        missing = [each for each in files if each.digest not in placed]
        placed |= await stored_objects.place(ctx.container, missing)
        try:
            return await _commit(ctx, prepared, placed, addition)
        except stored_objects.Vanished as vanished:
            for digest in vanished.digests:
                del placed[digest]
        except database.Duplicate:
            continue  # others stored the same bytes
    raise Unavailable(NOT_NOW)


async def _commit(
    ctx: Context, prepared: list[PreparedUpload], placed: dict[str, Placed], addition: Addition | None
) -> tuple[list[models.Upload], list[Placed]]:
    """Store the rows. Returns them, and the bytes that are not used because others stored the same."""
    async with ctx.unit() as unit:
        user = await users.lock(ctx.user_id)  # one upload of a user at a time compares with the quota
        if user is None:
            raise NotFound
        used = await usage.total_bytes(unit.tx, ctx.user_id)
        if used + sum(each.size for each in prepared) > ctx.container.settings.upload_quota_bytes:
            raise TooLarge(_quota_message(ctx))
        adopted = await stored_objects.adopt(placed)
        rows = [await _create(ctx, each, adopted) for each in prepared]
        if addition is not None:
            await addition(unit, user, rows)
    return rows, [each for digest, each in placed.items() if adopted[digest] != each.id]


async def _create(ctx: Context, upload: PreparedUpload, adopted: dict[str, UUID]) -> models.Upload:
    now = clock.now()
    row = await models.Upload.create(
        user_id=ctx.user_id,
        kind=upload.kind,
        name=upload.name,
        content_type=upload.files[0].content_type,
        size=upload.size,
        width=upload.width,
        height=upload.height,
        created_at=now,
        unreferenced_since=now,
    )
    await models.UploadFile.bulk_create(
        models.UploadFile(
            upload_id=row.id,
            stored_object_id=adopted[each.local.digest],
            name=each.name,
            content_type=each.content_type,
            thumbnail_width=each.thumbnail_width,
        )
        for each in upload.files
    )
    return row
