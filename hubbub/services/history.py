"""Reading back: pages of a room's messages, search, and catching up."""

from uuid import UUID

from hubbub import models
from hubbub.core.errors import InvalidPayload
from hubbub.models import listings, search
from hubbub.schemas import log as log_wire
from hubbub.schemas import messages as wire
from hubbub.services import cursors, database, log, rooms, shown
from hubbub.services.context import Context

PAGE = 50


async def history(ctx: Context, command: wire.ReadHistory) -> wire.History:
    """A page of messages, ascending: the newest, or those before or after a seq."""
    if command.before_seq is not None and command.after_seq is not None:
        raise InvalidPayload(fields=(("after_seq", "Say before_seq or after_seq, not both."),))
    await rooms.access(ctx, command.room_id)
    limit = command.limit or PAGE
    query = models.Message.filter(room_id=command.room_id)
    if command.after_seq is not None:
        query = query.filter(seq__gt=command.after_seq).order_by("seq")
    else:
        query = query.order_by("-seq")
    if command.before_seq is not None:
        query = query.filter(seq__lt=command.before_seq)
    async with database.guard():
        rows = await query.limit(limit + 1).select_related("sender")
        page = sorted(rows[:limit], key=lambda row: row.seq)
        return wire.History(messages=await shown.messages(page, ctx.user_id), has_more=len(rows) > limit)


async def find(ctx: Context, command: wire.Search) -> wire.Found:
    """Messages in the caller's rooms that hold all words, the last one as a prefix; newest first."""
    if command.room_id is not None:
        await rooms.access(ctx, command.room_id)
    limit = command.limit or PAGE
    async with database.guard():
        found = await search.find(
            database.connection(),
            user_id=ctx.user_id,
            query=command.query,
            room_id=command.room_id,
            from_user_id=command.from_user_id,
            before=cursors.read_id(command.cursor) if command.cursor else None,
            limit=limit + 1,
        )
        page = found[:limit]
        rows = {row.id: row for row in await models.Message.filter(id__in=page).select_related("sender")}
        messages = await shown.messages([rows[each] for each in page if each in rows], ctx.user_id)
    return wire.Found(messages=messages, next_cursor=str(page[-1]) if len(found) > limit else None)


async def sync(ctx: Context, command: log_wire.Sync) -> log_wire.Synced:
    """What the client is missing, room by room; see `log.catch_up`."""
    async with database.guard():
        spans = await _spans(ctx, list(command.rooms))
    if command.epoch is not None and command.epoch != ctx.parts.epoch:
        answer = {
            room_id: log_wire.Reset(last_seq=span.last_seq, first_seq=span.first_seq)
            if (span := spans.get(room_id))
            else log_wire.Gone()
            for room_id in command.rooms
        }
        return log_wire.Synced(epoch=ctx.parts.epoch, rooms=dict(answer))
    limit = command.limit or log.ENTRIES_PER_READ
    return log_wire.Synced(epoch=ctx.parts.epoch, rooms=await log.catch_up(spans, command.rooms, limit))


async def _spans(ctx: Context, room_ids: list[UUID]) -> dict[UUID, log.Span]:
    rows = await listings.spans(database.connection(), ctx.user_id, room_ids)
    return {room_id: log.Span(*span) for room_id, span in rows.items()}
