"""Reactions: one emoji of one person to one message, once."""

from hubbub import models
from hubbub.core.errors import Conflict, InvalidPayload, NotFound
from hubbub.schemas import messages as wire
from hubbub.services import log, messages, rooms, shown
from hubbub.services.context import Context

KINDS_PER_MESSAGE = 50


async def add(ctx: Context, command: wire.React) -> wire.MessageAnswer:
    """React to a message; adding twice is no error. Raises Conflict past 50 kinds of emoji."""
    if any(character.isspace() or not character.isprintable() for character in _visible(command.emoji)):
        raise InvalidPayload(fields=(("emoji", "An emoji has no spaces in it."),))
    return await _change(ctx, command, adding=True)


async def remove(ctx: Context, command: wire.React) -> wire.MessageAnswer:
    """Take a reaction back; taking back what is not there is no error."""
    return await _change(ctx, command, adding=False)


def _visible(emoji: str) -> str:
    """Without the joiners and selectors that emoji are made with: they count as not printable."""
    return emoji.translate(
        {0x200D: None, 0xFE0E: None, 0xFE0F: None} | dict.fromkeys(range(0xE0020, 0xE0080))
    )


async def _change(ctx: Context, command: wire.React, *, adding: bool) -> wire.MessageAnswer:
    row, _ = await messages.access(ctx, command.message_id)
    async with ctx.unit() as unit:
        head = await unit.lock(row.room_id)
        await rooms.require_role(ctx, row.room_id)
        row = await models.Message.get(id=row.id).select_related("sender")
        if row.deleted_at is not None:
            raise NotFound("The message was deleted.")
        if await _store(ctx, command, adding=adding):
            fields = {"message_id": row.id, "emoji": command.emoji, "user_id": ctx.user_id}
            event = "reaction:added" if adding else "reaction:removed"
            await unit.append(head, log.Draft(event, ctx.user_id, fields))
        return wire.MessageAnswer(message=await shown.message(row, ctx.user_id))


async def _store(ctx: Context, command: wire.React, *, adding: bool) -> bool:
    """Whether anything changed."""
    there = models.Reaction.filter(message_id=command.message_id)
    own = there.filter(user_id=ctx.user_id, emoji=command.emoji)
    if not adding:
        return bool(await own.delete())
    if await own.exists():
        return False
    kinds = {row.emoji for row in await there.only("id", "emoji")}
    if command.emoji not in kinds and len(kinds) >= KINDS_PER_MESSAGE:
        raise Conflict(f"A message takes {KINDS_PER_MESSAGE} kinds of reactions.")
    await models.Reaction.create(message_id=command.message_id, user_id=ctx.user_id, emoji=command.emoji)
    return True
