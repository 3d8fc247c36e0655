"""The life of a socket: connecting, refreshing, being closed."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.chat.rooms import Room
from hubbub.schemas.users.users import User


class ConnectAuth(Command):
    """What a client says when it connects; `epoch` and `cursors` when it comes back."""

    token: Annotated[str, Meta(max_length=4096)] | None = None
    epoch: Annotated[str, Meta(max_length=100)] | None = None
    cursors: Annotated[dict[UUID, int], Meta(max_length=500)] | None = None


class Ready(View):
    user: User
    session_id: UUID
    server_time: str
    epoch: str
    rooms: list[Room]
    rooms_complete: bool
    protocol: int = 1


class RefreshAuth(Command):
    token: Annotated[str, Meta(max_length=4096)]


class Expiry(View):
    expires_at: str


class Closing(View):
    """The last event before the server ends a socket."""

    code: str
    message: str
    retry_after_ms: int | None
