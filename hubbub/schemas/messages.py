"""Messages and reactions: what is asked and what is shown."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View
from hubbub.schemas.rooms import Cursor
from hubbub.schemas.users import User

Body = Annotated[str, Meta(max_length=8000)]
Emoji = Annotated[str, Meta(min_length=1, max_length=64)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
Page = Annotated[int, Meta(ge=1, le=100)]


class ReactionCount(View):
    """`mine` is in acks, history and search, never in what is broadcast."""

    emoji: str
    count: int
    mine: bool | UnsetType = UNSET


class Message(View):
    """A deleted message keeps its place, with an empty body."""

    id: UUID
    room_id: UUID
    seq: int
    client_id: UUID
    sender: User
    body: str
    reply_to: UUID | None
    attachments: list[dict[str, Any]]
    mentions: list[UUID]
    reactions: list[ReactionCount]
    created_at: str
    edited_at: str | None
    deleted_at: str | None


class MessageAnswer(View):
    message: Message


class History(View):
    """Ascending by seq."""

    messages: list[Message]
    has_more: bool


class Found(View):
    """Newest first."""

    messages: list[Message]
    next_cursor: str | None


class SendMessage(Command):
    """`client_id` is chosen by the sender: the same one again stores nothing new."""

    room_id: UUID
    client_id: UUID
    body: Body
    reply_to: UUID | None = None
    attachments: Annotated[list[UUID], Meta(max_length=10)] | None = None


class EditMessage(Command):
    message_id: UUID
    body: Body


class MessageOnly(Command):
    message_id: UUID


class React(Command):
    message_id: UUID
    emoji: Emoji


class ReadHistory(Command):
    """The newest page, the page before `before_seq`, or the page after `after_seq`."""

    room_id: UUID
    before_seq: Seq | None = None
    after_seq: Seq | None = None
    limit: Page | None = None


class Search(Command):
    query: Annotated[str, Meta(min_length=1, max_length=500)]
    room_id: UUID | None = None
    from_user_id: UUID | None = None
    cursor: Cursor | None = None
    limit: Page | None = None
