"""The part of a page of messages or rooms that fits into a response."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hubbub.db import database
from hubbub.schemas.base import encode
from hubbub.schemas.chat.messages import Message
from hubbub.services import cursors, response_size

if TYPE_CHECKING:
    from hubbub.queries.chat.rooms import RoomRow
    from hubbub.schemas.chat.rooms import Room
    from hubbub.services.context import Context

# The most bytes that parts of a message take: a character of a body as an escape, an attachment with all its
# thumbnails, an emoji of the longest sequence, an id. `_FIXED_BYTES` are those of all other fields.
_FIXED_BYTES, _CHARACTER_BYTES, _ATTACHMENT_BYTES, _REACTION_BYTES, _MENTION_BYTES = 3072, 6, 6144, 256, 40
# Of a room: its longest texts, and two users whose avatars have the longest names.
_ROOM_BYTES = 8192


def fitting(ctx: "Context", messages: Sequence[Message], center: int) -> slice:
    """Return which messages around the index `center` fit into one response.

    The message at `center` is always one of them. Earlier and later ones are added in turn, so that it stays
    in the middle. Nothing is encoded if the page is certainly small enough, as nearly always.
    """
    left = response_size.max_page_bytes(ctx.container.settings)
    if sum(map(_max_size, messages)) <= left:
        return slice(0, len(messages))
    start, end = center, center + 1
    left -= _size(messages[center])
    grows_down, grows_up = True, True
    while grows_down or grows_up:
        if grows_down := grows_down and start > 0 and (size := _size(messages[start - 1])) <= left:
            start, left = start - 1, left - size
        if grows_up := grows_up and end < len(messages) and (size := _size(messages[end])) <= left:
            end, left = end + 1, left - size
    return slice(start, end)


def _max_size(message: Message) -> int:
    """Return a number of bytes that the message does not exceed."""
    return (
        _FIXED_BYTES
        + _CHARACTER_BYTES * len(message.body)
        + _ATTACHMENT_BYTES * len(message.attachments)
        + _REACTION_BYTES * len(message.reactions)
        + _MENTION_BYTES * len(message.mentions)
    )


def _size(message: Message) -> int:
    return len(encode(message)) + 1


def count_fitting_rooms(ctx: "Context", rooms: "Sequence[Room]") -> int:
    """Return how many leading rooms fit into one response, at least one if there are any."""
    return response_size.count_fitting(
        rooms, response_size.max_page_bytes(ctx.container.settings), _ROOM_BYTES
    )


async def rooms_page(
    ctx: "Context",
    source: "cursors.Source[RoomRow]",
    cursor: str | None,
    limit: int,
    to_view: "Callable[[RoomRow], Room]",
) -> "tuple[list[Room], str | None]":
    """Return a page of at most `limit` rooms that fits into one response, and the cursor of the next one."""
    while True:
        async with database.guard():
            rows, next_cursor = await cursors.page(ctx, source, cursor, limit)
        views = [to_view(row) for row in rows]
        if (count := count_fitting_rooms(ctx, views)) == len(views):
            return views, next_cursor
        limit = count  # nearly never: rooms with the longest names and topics
