"""Exports a portfolio as one document: a copy of one moment, in a temporary file before it is sent."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from typing import IO
from uuid import UUID

from hubbub.core import clock, file_modes
from hubbub.core.batching import slices
from hubbub.db import database
from hubbub.db.rollback import rolled_back
from hubbub.queries.portfolio import items, rows, versions
from hubbub.queries.portfolio.rows import Values
from hubbub.schemas.base import View, encode
from hubbub.schemas.portfolio import transfer as wire
from hubbub.schemas.portfolio.profile import ProfileFields
from hubbub.schemas.portfolio.resource import Resource
from hubbub.schemas.portfolio.resources import RESOURCES
from hubbub.services.context import Context
from hubbub.services.portfolio import profile

BATCH_ITEMS = 50
MAX_MEMORY_BYTES = 1 << 20  # of a document; a larger one is in a file
MAX_ATTEMPTS = 3  # without a lock
CHUNK_BYTES = 256 * 1024


async def as_json(ctx: Context) -> AsyncIterator[bytes]:
    """Yield `{"data": {"version": 1, "profile": {…}, "projects": […], …}}` in pieces.

    Raises StorageFull, Unavailable, before the first piece.
    """
    storage = ctx.container.storage
    try:
        await asyncio.to_thread(file_modes.create_folder, storage.spool_folder)
        with tempfile.SpooledTemporaryFile(MAX_MEMORY_BYTES, dir=str(storage.spool_folder)) as file:
            await _write_copy(ctx.user_id, file)
            file.seek(0)
            while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise storage.write_error(error) from None


async def _write_copy(user_id: UUID, file: IO[bytes]) -> None:
    """Write the document as it was at one moment: each change of the portfolio has its own version.

    A portfolio that changes all the time is locked.
    """
    for _ in range(MAX_ATTEMPTS):
        async with database.guard():
            before = await versions.load(database.connection(), user_id)
            await _write(user_id, file)
            if await versions.load(database.connection(), user_id) == before:
                return
        file.seek(0)
        file.truncate()
    async with rolled_back() as tx:
        await versions.touch(tx, user_id, clock.now())  # the lock; the version stays
        await _write(user_id, file)


async def _write(user_id: UUID, file: IO[bytes]) -> None:
    values = await profile.load_fields(user_id)
    head = encode({"version": wire.VERSION, "profile": ProfileFields(**values)})
    await asyncio.to_thread(file.write, b'{"data":' + head[:-1])
    for resource in RESOURCES:
        await _write_items(user_id, resource, file)
    await asyncio.to_thread(file.write, b"}}")


async def _write_items(user_id: UUID, resource: Resource, file: IO[bytes]) -> None:
    start = b"," + encode(resource.name) + b":["
    own = sorted(await items.ids(database.connection(), resource, user_id))
    for batch in slices(own, BATCH_ITEMS):
        found = await items.with_ids(database.connection(), resource, user_id, batch)
        texts = [encode(to_exported(resource, found[each])) for each in batch if each in found]
        await asyncio.to_thread(file.write, start + b",".join(texts))
        start = b","
    await asyncio.to_thread(file.write, b"]" if own else start + b"]")


def to_exported(resource: Resource, values: Values) -> View:
    """Return an item as an export contains it."""
    return wire.exported_item(resource)(**rows.to_fields(resource, values))
