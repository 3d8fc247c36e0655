"""Reactions: a user reacts to a message with an emoji at most once."""

from uuid import UUID

from hubbub import models
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.core.text import emoji
from hubbub.db import database
from hubbub.schemas.chat import messages as wire
from hubbub.schemas.events import ReactionAdded, ReactionRemoved
from hubbub.services.chat import message_views, messages, rooms
from hubbub.services.context import Context

MAX_EMOJI_PER_MESSAGE = 50
MAX_EMOJI_PER_USER = 10


async def add(ctx: Context, command: wire.AddReaction) -> wire.MessageResponse:
    """React to a message. Adding twice has no effect.

    Raises Conflict above 50 different emoji per message, or 10 of the caller.
    """
    return await _change(ctx, command.message_id, _canonical(command.emoji), adding=True)


async def remove(ctx: Context, command: wire.RemoveReaction) -> wire.MessageResponse:
    """Remove the caller's reaction, in any spelling. Removing a missing one has no effect.

    Earlier releases stored other texts too: an existing reaction can be removed by its stored text. Raises
    InvalidPayload for any other text that is no emoji.
    """
    stored = emoji.canonical(command.emoji)
    if stored is None:
        own = models.Reaction.filter(message_id=command.message_id, user_id=ctx.user_id, emoji=command.emoji)
        await messages.access(ctx, command.message_id)
        async with database.guard():
            stored = command.emoji if await own.exists() else _canonical(command.emoji)
    return await _change(ctx, command.message_id, stored, adding=False)


def _canonical(text: str) -> str:
    if (found := emoji.canonical(text)) is None:
        raise InvalidPayload(fields=(("emoji", wire.ONE_EMOJI),))
    return found


async def _change(ctx: Context, message_id: UUID, kind: str, *, adding: bool) -> wire.MessageResponse:
    row, _ = await messages.access(ctx, message_id)
    async with ctx.unit() as unit:
        head = await unit.lock(row.room_id)
        await rooms.require_role(ctx, row.room_id)
        row = await models.Message.get(id=row.id).select_related("sender")
        if row.deleted_at is not None:
            raise NotFound("The message was deleted.")
        if await _store_change(ctx, message_id, kind, adding=adding):
            event = ReactionAdded if adding else ReactionRemoved
            await unit.append(head, event(message_id=row.id, emoji=kind, user_id=ctx.user_id))
        return await message_views.to_response(ctx, row)


async def _store_change(ctx: Context, message_id: UUID, kind: str, *, adding: bool) -> bool:
    """Store the change. Returns whether anything changed."""
    reactions = models.Reaction.filter(message_id=message_id)
    own = reactions.filter(user_id=ctx.user_id)
    if not adding:
        return bool(await own.filter(emoji=kind).delete())
    if await own.filter(emoji=kind).exists():
        return False
    if await own.count() >= MAX_EMOJI_PER_USER:
        raise Conflict(f"A user can add at most {MAX_EMOJI_PER_USER} reactions to a message.")
    kinds = await reactions.distinct().limit(MAX_EMOJI_PER_MESSAGE).values_list("emoji", flat=True)
    if len(kinds) >= MAX_EMOJI_PER_MESSAGE and not await reactions.filter(emoji=kind).exists():
        raise Conflict(f"A message can have at most {MAX_EMOJI_PER_MESSAGE} different reactions.")
    await models.Reaction.create(message_id=message_id, user_id=ctx.user_id, emoji=kind)
    return True
