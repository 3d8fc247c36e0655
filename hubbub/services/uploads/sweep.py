"""Removes what no upload needs: the schedule UPLOADS, and the bytes of deleted uploads.

Everything is found again by the next run, so each step does a bounded amount and may fail.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from hubbub import models
from hubbub.core import clock, metrics
from hubbub.db import database
from hubbub.queries.uploads import references, unreferenced
from hubbub.schemas.jobs import RemoveObjects, SweepUploads
from hubbub.services.context import Container
from hubbub.services.uploads import spool, stored_objects, uploads

log = logging.getLogger(__name__)

BATCH = 200  # rows
MAX_RUN_S = 240.0  # of a run; the rest is left to the next one
UNREFERENCED = timedelta(hours=24)  # after which an upload is removed
PENDING = timedelta(hours=1)  # after which bytes belong to an aborted upload
REMOVED = timedelta(minutes=5)  # after which the deletion of bytes is tried again
UNKNOWN = timedelta(hours=24)  # after which bytes without a row are deleted


async def remove_objects_job(container: Container, job: RemoveObjects) -> None:
    """Delete the bytes of deleted uploads. Raises Unavailable."""
    removed = await stored_objects.remove_unreferenced(container, job.object_ids)
    metrics.count("upload_objects_removed", by=removed)


async def sweep_job(container: Container, _job: SweepUploads) -> None:
    """Run the schedule UPLOADS. Raises Unavailable."""
    deadline = clock.monotonic() + MAX_RUN_S
    removed = {
        "released": await _repeat(_release_lost_uploads, container, deadline),
        "uploads": await _repeat(_remove_unreferenced_uploads, container, deadline),
        "objects": await _repeat(_remove_unreferenced_objects, container, deadline),
        "deletions": await _repeat(_delete_removed, container, deadline),
        "unknown": await _delete_unknown(container, deadline),
        "temporary": await asyncio.to_thread(spool.remove_abandoned, container.storage.spool_folder),
    }
    metrics.count("upload_objects_removed", by=removed["objects"] + removed["unknown"])
    log.info("uploads swept", extra=removed)


async def _repeat(step: Callable[[Container], Awaitable[int]], container: Container, deadline: float) -> int:
    """Run a step until it finds nothing or the time is over; return the number of all that it removed."""
    total = 0
    while clock.monotonic() < deadline and (removed := await step(container)):
        total += removed
    return total


async def _release_lost_uploads(_container: Container) -> int:
    """Find a batch of the uploads whose last reference disappeared with its room."""
    async with database.transaction() as tx:
        ids = await references.lock_lost(tx, BATCH)
        if ids:
            await references.release(tx, ids, clock.now())
    return len(ids)


async def _remove_unreferenced_uploads(container: Container) -> int:
    """Remove a batch of the uploads that nothing has referenced for a day."""
    async with database.transaction() as tx:
        old = models.Upload.filter(unreferenced_since__lt=clock.now() - UNREFERENCED)
        rows = await old.order_by("id").limit(BATCH).select_for_update(skip_locked=True)
        ids = [row.id for row in rows]
        kept = await references.referenced(tx, ids)  # none, unless a statement of an operator added it
        await references.keep(tx, kept)
        object_ids = await uploads.delete_rows([each for each in ids if each not in kept])
    await stored_objects.remove_unreferenced(container, object_ids)
    return len(ids)


async def remove_uploads(container: Container, user_id: UUID) -> int:
    """Remove a batch of the uploads of a user, with their bytes and references; return their number."""
    async with database.transaction():
        found = models.Upload.filter(user_id=user_id).order_by("id").limit(BATCH)
        ids = [row.id for row in await found.select_for_update()]
        object_ids = await uploads.delete_rows(ids)
    await stored_objects.remove_unreferenced(container, object_ids)
    return len(ids)


async def _remove_unreferenced_objects(container: Container) -> int:
    """Remove a batch of bytes without a file: of aborted uploads, and what earlier runs did not reach."""
    async with database.guard():
        ids = await unreferenced.object_ids(database.connection(), clock.now() - PENDING, BATCH)
    return await stored_objects.remove_unreferenced(container, ids) if ids else 0


async def _delete_removed(container: Container) -> int:
    """Delete a batch of bytes whose deletion failed before."""
    async with database.guard():
        rows = await models.StoredObject.filter(removed_at__lt=clock.now() - REMOVED).limit(BATCH)
    await stored_objects.delete_removed(container, rows)
    return len(rows)


async def _delete_unknown(container: Container, deadline: float) -> int:
    """Delete bytes without a row, as after the restore of an older database."""
    deleted = 0
    async for keys in container.storage.list_keys(clock.now() - UNKNOWN):
        ids = {key: found for key in keys if (found := stored_objects.id_of(key)) is not None}
        async with database.guard():
            rows = await models.StoredObject.filter(id__in=list(ids.values())).values_list("id", flat=True)
        known = {UUID(str(each)) for each in rows}
        unknown = [key for key, found in ids.items() if found not in known]
        await container.storage.delete(unknown)
        deleted += len(unknown)
        if clock.monotonic() > deadline:
            break
    return deleted
