"""The bytes of uploads in the storage: each content once, kept while a file refers to it.

A row precedes its bytes, and its id is a part of their key. Bytes that were removed and bytes with the same
content that are uploaded meanwhile therefore never share a key, and no order of events removes bytes that a
file refers to.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from tortoise.expressions import Q

from hubbub import models
from hubbub.core import clock
from hubbub.core.errors import Unavailable
from hubbub.db import database
from hubbub.services.context import Container
from hubbub.services.uploads.spool import LocalFile

log = logging.getLogger(__name__)


class Vanished(Exception):
    """Stored bytes were removed before a new file referred to them: store these again."""

    def __init__(self, digests: set[str]) -> None:
        super().__init__("stored bytes were removed")
        self.digests = digests


class Placed(NamedTuple):
    """Bytes with a row. They are `new` until a transaction adopts them."""

    id: UUID
    local: LocalFile
    new: bool


def key_of(object_id: UUID, digest: str) -> str:
    """Return the key of bytes in the storage."""
    return f"{digest[:2]}/{digest}.{object_id.hex}"


def id_of(key: str) -> UUID | None:
    """Return the id in a key; None for a key that hubbub did not write."""
    try:
        return UUID(key.rpartition(".")[2])
    except ValueError:
        return None


async def place(container: Container, files: Iterable[LocalFile]) -> dict[str, Placed]:
    """Store the bytes of files that are not stored yet. Returns them by digest.

    Raises StorageFull, Unavailable. Then nothing new is left.
    """
    by_digest = {each.digest: each for each in files}
    async with database.guard():
        rows = await models.StoredObject.filter(stored_digest__in=list(by_digest))
    placed = {row.digest: Placed(row.id, by_digest[row.digest], new=False) for row in rows}
    try:
        for digest, local in by_digest.items():
            if digest not in placed:
                placed[digest] = await _put(container, local)
    except BaseException:
        await discard(container, placed.values())
        raise
    return placed


async def _put(container: Container, local: LocalFile) -> Placed:
    async with database.guard():
        row = await models.StoredObject.create(digest=local.digest, size=local.size, created_at=clock.now())
    placed = Placed(row.id, local, new=True)
    try:
        await container.storage.put(key_of(row.id, local.digest), local.path)
    except BaseException:
        await discard(container, [placed])
        raise
    return placed


async def discard(container: Container, placed: Iterable[Placed]) -> None:
    """Remove bytes that no transaction adopted. What fails is left to the schedule UPLOADS.

    A transaction whose end is unknown may have adopted them: the rows decide.
    """
    ids = [each.id for each in placed if each.new]
    try:
        async with database.guard():
            own = models.StoredObject.filter(id__in=ids, stored_digest__isnull=True)
            await own.update(removed_at=clock.now())
            rows = await own
        await delete_removed(container, rows)
    except Unavailable:
        log.warning("the bytes of a failed upload are left for the schedule", extra={"objects": len(ids)})


async def adopt(placed: Mapping[str, Placed]) -> dict[str, UUID]:
    """Return the ids of stored bytes by digest, locked, in the caller's transaction.

    Raises Vanished. Of the same bytes stored by two transactions, the bytes of the first one are used. A
    duplicate key of the second one is an error of the database: the caller starts again.
    """
    ids, digests = [each.id for each in placed.values()], list(placed)
    found = models.StoredObject.filter(Q(id__in=ids) | Q(stored_digest__in=digests))
    rows = await found.order_by("id").select_for_update()
    adopted = {row.stored_digest: row.id for row in rows if row.stored_digest is not None}
    for row in rows:
        if row.removed_at is None and row.digest not in adopted:
            await models.StoredObject.filter(id=row.id).update(stored_digest=row.digest)
            adopted[row.digest] = row.id
    if missing := set(digests) - adopted.keys():
        raise Vanished(missing)
    return adopted


async def remove_unreferenced(container: Container, object_ids: Sequence[UUID]) -> int:
    """Remove those of the bytes to which no file refers; return their number. Safe to call twice.

    Raises Unavailable. Then the schedule UPLOADS deletes them.
    """
    if not object_ids:
        return 0
    async with database.transaction():
        rows = await models.StoredObject.filter(id__in=object_ids).order_by("id").select_for_update()
        files = models.UploadFile.filter(stored_object_id__in=object_ids)
        used = set(await files.values_list("stored_object_id", flat=True))
        removable = [row for row in rows if row.id not in used]
        present = models.StoredObject.filter(id__in=[row.id for row in removable], removed_at__isnull=True)
        await present.update(stored_digest=None, removed_at=clock.now())
    await delete_removed(container, removable)
    return len(removable)


async def delete_removed(container: Container, rows: Sequence[models.StoredObject]) -> None:
    """Delete removed bytes, then their rows."""
    if not rows:
        return
    await container.storage.delete(key_of(row.id, row.digest) for row in rows)
    removed = models.StoredObject.filter(id__in=[row.id for row in rows], removed_at__isnull=False)
    async with database.transaction():
        locked = await removed.order_by("id").select_for_update().values_list("id", flat=True)
        await models.StoredObject.filter(id__in=list(locked)).delete()
