"""Messages as they are shown: rows, senders and reactions put together, two queries a page."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import msgspec
from msgspec import UNSET

from hubbub import models
from hubbub.core import clock
from hubbub.schemas import messages as wire
from hubbub.services import users

_ids = msgspec.json.Decoder(list[UUID]).decode


async def message(row: models.Message, viewer: UUID | None) -> wire.Message:
    """One message; `mine` in its reactions is the viewer's, and left out for nobody (a broadcast)."""
    return (await messages([row], viewer))[0]


async def messages(rows: Sequence[models.Message], viewer: UUID | None) -> list[wire.Message]:
    """Messages in the order given; their senders must be loaded with them."""
    counts = await _reactions([row.id for row in rows], viewer)
    return [_show(row, counts[row.id]) for row in rows]


def _show(row: models.Message, reactions: list[wire.ReactionCount]) -> wire.Message:
    return wire.Message(
        id=row.id,
        room_id=row.room_id,
        seq=row.seq,
        client_id=row.client_id,
        sender=users.show(row.sender),
        body=row.body,
        reply_to=row.reply_to_id,
        attachments=[],
        mentions=_ids(row.mentions),
        reactions=reactions,
        created_at=clock.rfc3339(row.created_at),
        edited_at=clock.rfc3339(row.edited_at) if row.edited_at else None,
        deleted_at=clock.rfc3339(row.deleted_at) if row.deleted_at else None,
    )


async def _reactions(
    message_ids: list[UUID], viewer: UUID | None
) -> defaultdict[UUID, list[wire.ReactionCount]]:
    """In the order in which each emoji was first used."""
    people: defaultdict[UUID, dict[str, list[UUID]]] = defaultdict(dict)
    if message_ids:
        rows = models.Reaction.filter(message_id__in=message_ids).order_by("id")
        for message_id, emoji, user_id in await rows.values_list("message_id", "emoji", "user_id"):
            people[message_id].setdefault(emoji, []).append(user_id)
    counts: defaultdict[UUID, list[wire.ReactionCount]] = defaultdict(list)
    for message_id, by_emoji in people.items():
        counts[message_id] = [
            wire.ReactionCount(
                emoji=emoji, count=len(users_), mine=UNSET if viewer is None else viewer in users_
            )
            for emoji, users_ in by_emoji.items()
        ]
    return counts
