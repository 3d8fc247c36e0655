"""Access to files by their URLs. It is decided at each request."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from hubbub.core import metrics
from hubbub.core.errors import Forbidden, NotFound, Unauthenticated
from hubbub.core.files import names, types
from hubbub.db import database
from hubbub.gateways.storage.interface import ObjectMissing, SignedUrl
from hubbub.queries.uploads import files as queries
from hubbub.queries.uploads.files import FileRow
from hubbub.schemas import faults
from hubbub.services.context import Container
from hubbub.services.uploads import stored_objects

log = logging.getLogger(__name__)

PRIVATE_CACHE = "private, max-age=3600"


class Signature(NamedTuple):
    """The query of a signed URL."""

    expires: str
    value: str


class FileRequest(NamedTuple):
    """A request for a file. `authenticate` returns the caller; None without an access token."""

    upload_id: UUID
    name: str
    signature: Signature | None
    authenticate: Callable[[], Awaitable[UUID]] | None


class AccessedFile(NamedTuple):
    """A file that the request may load."""

    row: FileRow
    disposition: str  # the header
    is_public: bool
    is_signed: bool  # the URL itself gave access


async def access(container: Container, request: FileRequest) -> AccessedFile:
    """Return a file that the request may load.

    Without a valid signature or token, a missing file is refused as a private one is. Raises Unauthenticated,
    TokenExpired, SessionRevoked, Suspended, Forbidden (the signature), NotFound, Unavailable.
    """
    row = None
    if faults.is_text(request.name):
        async with database.guard():
            row = await queries.find(database.connection(), request.upload_id, request.name)
    if row is not None and row.is_public:
        return _accessed(row, request.name, is_signed=False)
    signature = request.signature
    is_signed = signature is not None and container.url_signer.verify(request.upload_id, *signature)
    if not is_signed:
        if request.authenticate is None:
            if signature is None:
                raise Unauthenticated
            raise Forbidden("The signature of this URL is not valid or has expired.")
        user_id = await request.authenticate()
        if row is None or not await _may_load(request.upload_id, row, user_id):
            raise NotFound("File not found.")
    if row is None:
        raise NotFound("File not found.")
    return _accessed(row, request.name, is_signed=is_signed)


async def _may_load(upload_id: UUID, row: FileRow, user_id: UUID) -> bool:
    """Return whether a user may load a private file: the uploader, and the members of rooms that show it."""
    if row.user_id == user_id:
        return True
    async with database.guard():
        return await queries.is_attached_for(database.connection(), upload_id, user_id)


def _accessed(row: FileRow, name: str, *, is_signed: bool) -> AccessedFile:
    file_type = types.BY_MEDIA_TYPE[row.content_type]
    kind = "inline" if file_type.is_image else "attachment"
    saved_name = names.with_extension(name, file_type.extensions)
    return AccessedFile(row, names.disposition(kind, saved_name), row.is_public, is_signed)


async def storage_url(container: Container, file: AccessedFile) -> str | None:
    """Return the URL at the storage, valid for 5 minutes; None if the instance sends the file itself."""
    response = SignedUrl(file.row.content_type, file.disposition, PRIVATE_CACHE)
    return await container.storage.signed_url(_key(file), response)


async def read(container: Container, file: AccessedFile, start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes from `start` up to `end`. Raises NotFound if the storage lost them, Unavailable."""
    try:
        async for chunk in container.storage.read(_key(file), start, end):
            yield chunk
    except ObjectMissing:
        raise _lost(file) from None


def _lost(file: AccessedFile) -> NotFound:
    """Report bytes that the database has and the storage has not."""
    metrics.count("upload_objects_missing")
    log.error("the storage has lost a file", extra={"object": str(file.row.object_id)})
    return NotFound("File not found.")


def _key(file: AccessedFile) -> str:
    return stored_objects.key_of(file.row.object_id, file.row.digest)
