"""Typing: one state per user and room, the same on all instances; a hint that expires."""

from typing import TYPE_CHECKING

from hubbub.schemas.chat.rooms import Empty, RoomRef
from hubbub.services.chat import rooms

if TYPE_CHECKING:
    from hubbub.services.context import Context


async def start(ctx: "Context", command: RoomRef) -> Empty:
    """Show the other members of the room that the caller types."""
    await rooms.access(ctx, command.room_id)
    ctx.container.typing_tracker.start(command.room_id, ctx.user_id)
    return Empty()


async def stop(ctx: "Context", command: RoomRef) -> Empty:
    """Show the other members of the room that the caller stopped typing."""
    await rooms.access(ctx, command.room_id)
    ctx.container.typing_tracker.stop(command.room_id, ctx.user_id)
    return Empty()


def start_immediate(ctx: "Context", command: RoomRef) -> Empty | None:
    """FAST PATH: do what `start` does if the caller's membership is cached; else nothing, and return None."""
    if rooms.cached_access(ctx, command.room_id) is None:
        return None
    ctx.container.typing_tracker.start(command.room_id, ctx.user_id)
    return Empty()


def stop_immediate(ctx: "Context", command: RoomRef) -> Empty | None:
    """FAST PATH: do what `stop` does if the caller's membership is cached; else nothing, and return None."""
    if rooms.cached_access(ctx, command.room_id) is None:
        return None
    ctx.container.typing_tracker.stop(command.room_id, ctx.user_id)
    return Empty()
