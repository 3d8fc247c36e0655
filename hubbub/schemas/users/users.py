"""Commands and views of users and presence."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View

Status = Literal["online", "away", "busy", "offline"]


class User(View, gc=False):
    id: Annotated[UUID, Meta(description="Stable. It stays when the username changes.")]
    username: Annotated[str, Meta(description="Unique. Lower case.")]
    display_name: Annotated[str, Meta(description="What others see. It need not be unique.")]
    avatar_url: Annotated[str, Meta(description="Null if the user has no picture.")] | None


class Presence(View):
    """`last_seen_at` is null while the user is not offline, and for users without a common room."""

    user_id: UUID
    status: Status
    last_seen_at: str | None


class SetPresence(Command):
    status: Literal["online", "away", "busy"]


class GetPresence(Command):
    user_ids: Annotated[list[UUID], Meta(max_length=200)]


class Presences(View):
    presences: list[Presence]
