"""Reads messages: pages of a room's history, search, and sync."""

from collections.abc import Awaitable, Callable
from uuid import UUID

import msgspec

from hubbub.core.errors import InvalidPayload
from hubbub.db import database
from hubbub.queries.chat import message_pages, search
from hubbub.queries.chat import rooms as room_queries
from hubbub.schemas.chat import messages as wire
from hubbub.schemas.eventlog import entries as log_wire
from hubbub.services import cursors, response_size
from hubbub.services.chat import message_views, page_size, rooms
from hubbub.services.context import Context
from hubbub.services.eventlog import event_log
from hubbub.services.eventlog.epoch_watch import Cursor

DEFAULT_PAGE_SIZE = 50
_POSITION_FIELDS = ("before_seq", "after_seq", "around_seq")


async def read(ctx: Context, command: wire.ReadHistory) -> wire.History:
    """Return a page of messages, ascending: the newest, or those before, after or around a seq.

    It has fewer than `limit` messages if they would take too many bytes. Raises NotMember, NotFound.
    """
    given_fields = [name for name in _POSITION_FIELDS if getattr(command, name) is not None]
    if len(given_fields) > 1:
        reason = "Use only one of before_seq, after_seq and around_seq."
        raise InvalidPayload(fields=tuple((name, reason) for name in given_fields))
    limit = command.limit or DEFAULT_PAGE_SIZE
    if command.around_seq is not None:
        return await _around(ctx, command.room_id, command.around_seq, limit)
    async with database.guard():
        rows = await _of_member(ctx, command.room_id, lambda: _rows(ctx, command, limit + 1))
        page = sorted(rows[:limit], key=lambda row: row.seq)
        messages = await message_views.page_views(page, ctx.container.url_signer)
    kept = page_size.fitting(ctx, messages, 0 if command.after_seq is not None else len(messages) - 1)
    fitting = messages[kept]
    return wire.History(messages=fitting, has_more=len(rows) > len(fitting))


async def _around(ctx: Context, room_id: UUID, seq: int, limit: int) -> wire.History:
    """Return a page with the message `seq` in the middle, or nearer to an end of a short log."""
    async with database.guard():
        newer = await _of_member(ctx, room_id, lambda: _after(ctx, room_id, seq - 1, limit + 1))
        older = await _before(ctx, room_id, seq, limit + 1)
        newer_count = min(len(newer), limit - min(len(older), limit // 2))
        older_count = min(len(older), limit - newer_count)
        page = [*reversed(older[:older_count]), *newer[:newer_count]]
        messages = await message_views.page_views(page, ctx.container.url_signer)
    kept = page_size.fitting(ctx, messages, min(older_count, len(messages) - 1))
    has_before = len(older) > older_count or kept.start > 0
    has_after = len(newer) > newer_count or kept.stop < len(messages)
    return wire.History(
        messages=messages[kept],
        has_more=has_before or has_after,
        has_before=has_before,
        has_after=has_after,
    )


async def _of_member(
    ctx: Context, room_id: UUID, read_rows: Callable[[], Awaitable[list[message_pages.MessageRow]]]
) -> list[message_pages.MessageRow]:
    """Return what `read_rows` returns for a member of a room; for others it returns nothing.

    Nearly always one statement is enough. Raises NotMember, NotFound.
    """
    if found := await read_rows():
        return found
    await rooms.access(ctx, room_id)
    return await read_rows()  # the caller may have become a member in between


async def _rows(ctx: Context, command: wire.ReadHistory, limit: int) -> list[message_pages.MessageRow]:
    if command.after_seq is not None:
        return await _after(ctx, command.room_id, command.after_seq, limit)
    return await _before(ctx, command.room_id, command.before_seq, limit)


async def _before(ctx: Context, room_id: UUID, seq: int | None, limit: int) -> list[message_pages.MessageRow]:
    return await message_pages.before(database.connection(), ctx.user_id, room_id, seq, limit)


async def _after(ctx: Context, room_id: UUID, seq: int, limit: int) -> list[message_pages.MessageRow]:
    return await message_pages.after(database.connection(), ctx.user_id, room_id, seq, limit)


class _SearchPosition(msgspec.Struct, array_like=True):
    """The last message of a search page. The order of ids never changes."""

    id: UUID


async def find(ctx: Context, command: wire.Search) -> wire.SearchPage:
    """Return messages in the caller's rooms that contain all words, newest first.

    The last word is a prefix.
    """
    if command.room_id is not None:
        await rooms.access(ctx, command.room_id)
    limit = command.limit or DEFAULT_PAGE_SIZE
    position = (
        cursors.decode(ctx, "found", command.cursor, _SearchPosition) if command.cursor is not None else None
    )
    async with database.guard():
        message_ids = await search.find(
            database.connection(),
            user_id=ctx.user_id,
            query=command.query,
            room_id=command.room_id,
            from_user_id=command.from_user_id,
            before=position.id if position is not None else None,
            limit=limit + 1,
        )
        page = message_ids[:limit]
        found_rows = await message_pages.by_ids(database.connection(), ctx.user_id, page)
        rows = {row.id: row for row in found_rows}
        found = [rows[each] for each in page if each in rows]
        messages = await message_views.page_views(found, ctx.container.url_signer)
    fitting = messages[page_size.fitting(ctx, messages, 0)]
    last_id = (
        fitting[-1].id if len(fitting) < len(messages) else page[-1] if len(message_ids) > limit else None
    )
    next_cursor = cursors.encode(ctx, "found", _SearchPosition(last_id)) if last_id is not None else None
    return wire.SearchPage(messages=fitting, next_cursor=next_cursor)


async def sync(ctx: Context, command: log_wire.Sync) -> log_wire.SyncResponse:
    """Return the entries that the client is missing, by room; see `event_log.catch_up`."""
    epoch = ctx.container.epoch_watch.epoch
    async with database.guard():
        spans = await _spans(ctx, list(command.rooms))
    if command.epoch is not None and command.epoch != epoch:
        results = {
            room_id: log_wire.RoomReset(last_seq=span.last_seq)
            if (span := spans.get(room_id))
            else log_wire.RoomGone()
            for room_id in command.rooms
        }
        return log_wire.SyncResponse(epoch=epoch, rooms=dict(results))
    for room_id, span in spans.items():
        cursor = Cursor(room_id, command.rooms[room_id], span.last_seq)
        ctx.container.epoch_watch.check_cursor(ctx.user_id, command.epoch or "", cursor)
    limits = event_log.ResponseLimits(
        command.limit or event_log.MAX_ENTRIES_PER_READ, response_size.max_page_bytes(ctx.container.settings)
    )
    entries = await event_log.catch_up(ctx.container.url_signer, spans, command.rooms, limits)
    return log_wire.SyncResponse(epoch=epoch, rooms=entries)


async def _spans(ctx: Context, room_ids: list[UUID]) -> dict[UUID, event_log.Span]:
    rows = await room_queries.log_spans(database.connection(), ctx.user_id, room_ids)
    return {room_id: event_log.Span(*span) for room_id, span in rows.items()}
