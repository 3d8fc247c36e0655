"""Views of messages: rows, senders, reactions and attachments combined, with two queries per page at most."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from uuid import UUID

import msgspec
from msgspec import UNSET

from hubbub import models
from hubbub.core import clock
from hubbub.core.files.url_signatures import UrlSigner
from hubbub.db import database
from hubbub.queries.chat import reactions
from hubbub.queries.chat.message_pages import MessageRow
from hubbub.schemas.chat import messages as wire
from hubbub.schemas.uploads.uploads import Upload
from hubbub.schemas.users.users import User
from hubbub.services.context import Context
from hubbub.services.eventlog import attachments
from hubbub.services.users import users

NO_IDS = "[]"  # the column of a message without attachments, or without mentions

_decode_ids = msgspec.json.Decoder(list[UUID]).decode


async def to_response(ctx: Context, row: models.Message) -> wire.MessageResponse:
    """Return a message as its caller sees it."""
    return wire.MessageResponse(message=await load_view(row, ctx.user_id, ctx.container.url_signer))


async def load_view(row: models.Message, viewer_id: UUID | None, signer: UrlSigner) -> wire.Message:
    """Return the view of a message. Reactions have `mine` for the viewer; a broadcast (None) has none."""
    return (await load_views([row], viewer_id, signer))[0]


async def load_views(
    rows: Sequence[models.Message], viewer_id: UUID | None, signer: UrlSigner
) -> list[wire.Message]:
    """Return the views of messages in the given order. The senders must be loaded."""
    counts = await _load_reactions([row.id for row in rows], viewer_id)
    uploads = await _load_uploads(rows, signer)
    return [_to_view(row, users.to_view(row.sender), counts[row.id], uploads.get(row.id, [])) for row in rows]


async def page_views(rows: Sequence[MessageRow], signer: UrlSigner) -> list[wire.Message]:
    """Return the views of the messages of a page, as its viewer sees them, in the given order."""
    uploads = await _load_uploads(rows, signer)
    return [
        _to_view(
            row,
            row.sender,
            [wire.ReactionCount(emoji=emoji, count=count, mine=mine) for emoji, count, mine in row.reactions],
            uploads.get(row.id, []),
        )
        for row in rows
    ]


async def _load_uploads(
    rows: Sequence[models.Message | MessageRow], signer: UrlSigner
) -> dict[UUID, list[Upload]]:
    """Return the attachments by message; a message without any is not among them."""
    upload_ids = {row.id: _decode_ids(row.attachments) for row in rows if row.attachments != NO_IDS}
    if not upload_ids:
        return {}
    uploads = await attachments.load(signer, chain.from_iterable(upload_ids.values()))
    return {
        message_id: [uploads[each] for each in ids if each in uploads]
        for message_id, ids in upload_ids.items()
    }


def _to_view(
    row: models.Message | MessageRow,
    sender: User,
    reactions: list[wire.ReactionCount],
    uploads: list[Upload],
) -> wire.Message:
    return wire.Message(
        id=row.id,
        room_id=row.room_id,
        seq=row.seq,
        client_id=row.client_id,
        sender=sender,
        body=row.body,
        reply_to=row.reply_to_id,
        attachments=uploads,
        mentions=_decode_ids(row.mentions) if row.mentions != NO_IDS else [],
        reactions=reactions,
        created_at=clock.rfc3339(row.created_at),
        edited_at=clock.rfc3339(row.edited_at) if row.edited_at else None,
        deleted_at=clock.rfc3339(row.deleted_at) if row.deleted_at else None,
    )


async def _load_reactions(
    message_ids: list[UUID], viewer_id: UUID | None
) -> defaultdict[UUID, list[wire.ReactionCount]]:
    """Return the reactions by message, in the order in which each emoji was first used."""
    counts: defaultdict[UUID, list[wire.ReactionCount]] = defaultdict(list)
    if not message_ids:
        return counts
    async with database.guard():
        rows = await reactions.counted(database.connection(), message_ids, viewer_id)
    for row in rows:
        reacted = UNSET if viewer_id is None else row.by_viewer
        counts[row.message_id].append(wire.ReactionCount(emoji=row.emoji, count=row.users, mine=reacted))
    return counts
