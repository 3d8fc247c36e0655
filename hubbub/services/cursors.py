"""Cursors: where a page of a list ended, sealed, so that only what this server issued is accepted.

A list whose order can change while a client pages through it is read in two parts. The first part follows the
order of the list. The second part follows the ids, which never change, and returns the items that changed
since the first page and may therefore have moved from a page to come to one before. Together they return
every item that existed at the first page, at least once.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from hubbub.core import clock
from hubbub.core.errors import InvalidPayload
from hubbub.core.sealing import DecryptionError
from hubbub.services.context import Context

# A change that the first page did not show may have been stamped by a clock that is late, or in a transaction
# that took its time.
MARGIN = clock.SKEW + timedelta(seconds=10)
SEEN = 700  # items of the first part that the second part need not return; 4 bytes each in a cursor
CHUNK = 500  # ids that are compared with them at a time
FIRST = UUID(int=0)  # before all ids

Place = tuple[datetime | str, UUID]  # what the list is ordered by, and the id to tell equal ones apart


class Row(Protocol):
    """An item of a list; `changed` is when anything that may move it last did."""

    @property
    def id(self) -> UUID: ...
    @property
    def changed(self) -> datetime: ...


R = TypeVar("R", bound=Row)


class Source(Protocol[R]):
    """A list that can be paged through."""

    name: str  # of the list and of what it is about: a cursor of another list is refused

    def place(self, row: R) -> Place: ...
    async def after(self, place: Place | None, limit: int) -> list[R]: ...
    async def changed(self, since: datetime, after: UUID, limit: int) -> list[UUID]: ...
    async def rows(self, ids: list[UUID]) -> list[R]: ...


class _Walk(msgspec.Struct, array_like=True):
    """How far a client is. `key` is None in the second part, which is ordered by `id` alone."""

    floor: datetime  # what changed after it may have moved
    key: str | None
    id: UUID
    seen: bytes = b""  # a digest each of the items that were returned and changed after `floor`


async def page(ctx: Context, source: Source[R], cursor: str | None, limit: int) -> tuple[list[R], str | None]:
    """A page, and the cursor of the next one. Raises InvalidPayload."""
    if cursor is None:
        walk = _Walk(clock.now() - MARGIN, "", FIRST)
        rows = await source.after(None, limit + 1)
        if len(rows) <= limit:
            return rows, None  # all there is, as of one moment
    else:
        walk = read(ctx, source.name, cursor, _Walk)
        rows = await source.after(_place(walk), limit + 1) if walk.key is not None else []
    if len(rows) > limit:
        rows = rows[:limit]
        key, row_id = source.place(rows[-1])
        walk = _Walk(walk.floor, _text(key), row_id, _with(walk, rows))
        return rows, write(ctx, source.name, walk)
    if walk.key is not None:
        walk = _Walk(walk.floor, None, FIRST, _with(walk, rows))
    ids = await _moved(source, walk, limit - len(rows) + 1)
    if len(rows) + len(ids) <= limit:
        return rows + await source.rows(ids), None
    ids = ids[: limit - len(rows)]
    following = _Walk(walk.floor, None, ids[-1] if ids else walk.id, walk.seen)
    return rows + await source.rows(ids), write(ctx, source.name, following)


async def _moved(source: Source[R], walk: _Walk, limit: int) -> list[UUID]:
    """The ids past `walk.id` of at most `limit` items that changed and were not returned before."""
    seen = {walk.seen[at : at + 4] for at in range(0, len(walk.seen), 4)}
    found: list[UUID] = []
    after = walk.id
    while len(found) < limit:
        ids = await source.changed(walk.floor, after, CHUNK)
        found += [each for each in ids if _digest(each) not in seen]
        if len(ids) < CHUNK:
            break
        after = ids[-1]
    return found[:limit]


def _with(walk: _Walk, rows: list[R]) -> bytes:
    recent = b"".join(_digest(row.id) for row in rows if row.changed > walk.floor)
    return (walk.seen + recent)[: 4 * SEEN]


def _digest(row_id: UUID) -> bytes:
    return hashlib.blake2b(row_id.bytes, digest_size=4).digest()


def _text(key: datetime | str) -> str:
    return key.astimezone(UTC).isoformat() if isinstance(key, datetime) else key


def _place(walk: _Walk) -> Place:
    return walk.key or "", walk.id


def write(ctx: Context, name: str, place: msgspec.Struct) -> str:
    """The cursor of a place in a list; only this user can use it, and only for this list."""
    return ctx.parts.sealing.seal(_purpose(ctx, name), msgspec.msgpack.encode(place))


T = TypeVar("T", bound=msgspec.Struct)


def read(ctx: Context, name: str, cursor: str, kind: type[T]) -> T:
    """The place that a cursor stands for. Raises InvalidPayload for one that `write` did not return."""
    try:
        return msgspec.msgpack.decode(ctx.parts.sealing.unseal(_purpose(ctx, name), cursor), type=kind)
    except (DecryptionError, msgspec.MsgspecError):
        raise InvalidPayload(fields=(("cursor", "Not a cursor of this list."),)) from None


def _purpose(ctx: Context, name: str) -> str:
    return f"cursor:{name}:{ctx.user_id}"
