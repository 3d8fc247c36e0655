"""Messages and reactions: what is asked and what is shown."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.core.text import emoji
from hubbub.schemas.base import Command, View
from hubbub.schemas.chat.rooms import Cursor
from hubbub.schemas.texts import text_rules
from hubbub.schemas.users.users import User

Body = Annotated[str, Meta(max_length=8000)]
ONE_EMOJI = "Must be one emoji of Unicode's list."


def _emoji_fault(text: str) -> str | None:
    return ONE_EMOJI if emoji.canonical(text) is None else None


_EMOJI = text_rules(_emoji_fault, "One emoji of Unicode's list.", lazy="emoji")
Emoji = Annotated[str, Meta(max_length=emoji.MAX_EMOJI_CHARS, **_EMOJI)]
Seq = Annotated[int, Meta(ge=0, le=2**53)]
# Parameters of a query can't exclude each other in OpenAPI.
_ONE_OF_SEQS = "At most one of `before_seq`, `after_seq` and `around_seq`."
PageSeq = Annotated[int, Meta(ge=0, le=2**53, description=_ONE_OF_SEQS)]
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


class MessageResponse(View):
    message: Message


class History(View):
    """Ascending by seq. With `around_seq`, `has_more` is true if `has_before` or `has_after` is."""

    messages: list[Message]
    has_more: bool
    has_before: bool | UnsetType = UNSET
    has_after: bool | UnsetType = UNSET


class SearchPage(View):
    """Newest first."""

    messages: list[Message]
    next_cursor: str | None


class SendMessage(Command):
    """`client_id` is chosen by the sender: the same one again stores nothing new."""

    field_rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "anyOf": [
                {"properties": {"body": {"minLength": 1}}},
                {
                    "properties": {"attachments": {"type": "array", "minItems": 1}},
                    "required": ["attachments"],
                },
            ]
        },
    )

    room_id: UUID
    client_id: UUID
    body: Body
    reply_to: UUID | None = None
    attachments: Annotated[list[UUID], Meta(max_length=10)] | None = None


class EditMessage(Command):
    message_id: UUID
    body: Annotated[str, Meta(min_length=1, max_length=8000)]


class MessageRef(Command):
    message_id: UUID


class AddReaction(Command):
    """`emoji` in any spelling; it is stored in its fully-qualified form."""

    message_id: UUID
    emoji: Emoji


class RemoveReaction(Command):
    """`emoji` in any spelling, or the text of a reaction that an earlier release stored."""

    message_id: UUID
    emoji: Annotated[
        str,
        Meta(min_length=1, max_length=emoji.MAX_EMOJI_CHARS, extra_json_schema=_EMOJI["extra_json_schema"]),
    ]


class ReadHistory(Command):
    """The newest page, or the page before `before_seq`, after `after_seq`, or around `around_seq`."""

    room_id: UUID
    before_seq: PageSeq | None = None
    after_seq: PageSeq | None = None
    around_seq: PageSeq | None = None
    limit: Page | None = None


class Search(Command):
    query: Annotated[str, Meta(min_length=1, max_length=500)]
    room_id: UUID | None = None
    from_user_id: UUID | None = None
    cursor: Cursor | None = None
    limit: Page | None = None
