"""Cursors of lists: encrypted positions, so that only cursors issued by this server are accepted.

A list whose order can change while a client pages through it is read in two parts. The first part follows the
order of the list. The second part follows the ids, which never change, and returns the items that changed
since the first page and may therefore have moved from an unread page to a read one. Together they return
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

# A change that the first page did not contain may have an earlier time: by a slow clock, or because its
# transaction took long.
CHANGE_TIME_MARGIN = clock.MAX_CLOCK_SKEW + timedelta(seconds=10)
DIGEST_BYTES = 4  # of a seen item
MAX_SEEN_ITEMS = 700  # of the first part, not returned again by the second
CHANGED_IDS_PER_QUERY = 500  # compared with the seen items
MIN_ID = UUID(int=0)  # before all ids

SortKey = tuple[datetime | str, UUID]  # the value that orders the list, and the id for ties


class Row(Protocol):
    """An item of a list. `changed` is the time of the last change that may move it."""

    @property
    def id(self) -> UUID: ...
    @property
    def changed(self) -> datetime: ...


R = TypeVar("R", bound=Row)
T = TypeVar("T", bound=msgspec.Struct)


class Source(Protocol[R]):
    """A list that can be paged through."""

    name: str  # of the list and its subject; cursors of other lists are refused

    def sort_key(self, row: R) -> SortKey: ...
    async def after(self, after_key: SortKey | None, limit: int) -> list[R]: ...
    async def changed_ids(self, since: datetime, after: UUID, limit: int) -> list[UUID]: ...
    async def rows(self, ids: list[UUID]) -> list[R]: ...


class _CursorState(msgspec.Struct, array_like=True):
    """The position of a client in a list."""

    changed_since: datetime  # items that changed after it may have moved
    last_key: str | None  # of the last returned item; None in the second part, which is ordered by id
    last_id: UUID  # of the last returned item
    seen_digests: bytes = b""  # of the returned items that changed after `changed_since`


async def page(ctx: Context, source: Source[R], cursor: str | None, limit: int) -> tuple[list[R], str | None]:
    """Return a page and the cursor of the next one, or None. Raises InvalidPayload."""
    if cursor is None:
        state = _CursorState(clock.now() - CHANGE_TIME_MARGIN, "", MIN_ID)
        rows = await source.after(None, limit + 1)
        if len(rows) <= limit:
            return rows, None  # the whole list, by one query
    else:
        state = decode(ctx, source.name, cursor, _CursorState)
        rows = await source.after(_after_key(state), limit + 1) if state.last_key is not None else []
    if len(rows) > limit:
        rows = rows[:limit]
        last_key, last_id = source.sort_key(rows[-1])
        state = _CursorState(state.changed_since, _key_text(last_key), last_id, _add_seen(state, rows))
        return rows, encode(ctx, source.name, state)
    if state.last_key is not None:
        state = _CursorState(state.changed_since, None, MIN_ID, _add_seen(state, rows))
    ids = await _moved_ids(source, state, limit - len(rows) + 1)
    if len(rows) + len(ids) <= limit:
        return rows + await source.rows(ids), None
    ids = ids[: limit - len(rows)]
    next_state = _CursorState(
        state.changed_since, None, ids[-1] if ids else state.last_id, state.seen_digests
    )
    return rows + await source.rows(ids), encode(ctx, source.name, next_state)


async def _moved_ids(source: Source[R], state: _CursorState, limit: int) -> list[UUID]:
    """Return at most `limit` ids after `last_id` of items that changed and were not returned before."""
    seen = state.seen_digests
    seen_digests = {seen[start : start + DIGEST_BYTES] for start in range(0, len(seen), DIGEST_BYTES)}
    found: list[UUID] = []
    after = state.last_id
    while len(found) < limit:
        ids = await source.changed_ids(state.changed_since, after, CHANGED_IDS_PER_QUERY)
        found += [row_id for row_id in ids if _digest(row_id) not in seen_digests]
        if len(ids) < CHANGED_IDS_PER_QUERY:
            break
        after = ids[-1]
    return found[:limit]


def _add_seen(state: _CursorState, rows: list[R]) -> bytes:
    recent = b"".join(_digest(row.id) for row in rows if row.changed > state.changed_since)
    return (state.seen_digests + recent)[: DIGEST_BYTES * MAX_SEEN_ITEMS]


def _digest(row_id: UUID) -> bytes:
    return hashlib.blake2b(row_id.bytes, digest_size=DIGEST_BYTES).digest()


def _key_text(key: datetime | str) -> str:
    return key.astimezone(UTC).isoformat() if isinstance(key, datetime) else key


def _after_key(state: _CursorState) -> SortKey:
    return state.last_key or "", state.last_id


def encode(ctx: Context, name: str, state: msgspec.Struct) -> str:
    """Return the cursor of a position. Only this user can use it, and only for this list."""
    return ctx.container.sealing.seal(_purpose(ctx, name), msgspec.msgpack.encode(state))


def decode(ctx: Context, name: str, cursor: str, kind: type[T]) -> T:
    """Return the position of a cursor. Raises InvalidPayload for one that `encode` did not return."""
    try:
        return msgspec.msgpack.decode(ctx.container.sealing.unseal(_purpose(ctx, name), cursor), type=kind)
    except (DecryptionError, msgspec.MsgspecError):
        raise InvalidPayload(fields=(("cursor", "Not a cursor of this list."),)) from None


def _purpose(ctx: Context, name: str) -> str:
    return f"cursor:{name}:{ctx.user_id}"
