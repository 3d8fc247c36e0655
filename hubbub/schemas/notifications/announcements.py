"""Commands and views of announcements."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import VISIBLE_LINE_RULES, VISIBLE_TEXT_RULES, WEB_URL_RULES

MAX_TITLE_CHARS = 120
MAX_BODY_CHARS = 4000


class CreateAnnouncement(Command):
    title: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_TITLE_CHARS, **VISIBLE_LINE_RULES),
        Meta(description="Title of the entry."),
    ]
    body: Annotated[
        str,
        Meta(min_length=1, max_length=MAX_BODY_CHARS, **VISIBLE_TEXT_RULES),
        Meta(description="Plain text."),
    ]
    url: (
        Annotated[str, Meta(max_length=500, description="Page with more about it.", **WEB_URL_RULES)] | None
    ) = None


class Announcement(View):
    id: Annotated[UUID, Meta(description="The same in no other object: notifications have their own.")]
    title: Annotated[str, Meta(description="Line that every notification of it shows.")]
    body: Annotated[str, Meta(description="Plain text, with line ends.")]
    url: Annotated[str, Meta(description="Null without one.")] | None
    created_at: Annotated[str, Meta(description="Accounts that exist at this time receive it.")]
