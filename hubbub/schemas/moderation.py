"""Users and rooms as those see them who look after the whole."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View
from hubbub.schemas.paging import Listed

Role = Literal["user", "moderator", "admin"]
Yes = Literal["true", "false"]


class Suspension(View):
    """`until` is null where it has no end."""

    reason: str
    since: str
    until: str | None


class ManagedUser(View):
    id: UUID
    username: str
    display_name: str
    avatar_url: str | None
    email: str
    email_verified: bool
    role: str
    suspended: Suspension | None
    created_at: str
    last_seen_at: str | None


class ListUsers(Listed):
    role: Role | None = None
    suspended: Yes | None = None


class UserOnly(Command):
    user_id: UUID


class Suspend(Command, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=1, max_length=250)]
    until: Annotated[datetime, Meta(tz=True)] | None = None


class ChangeUser(Command):
    """What is not given stays; null ends a suspension."""

    user_id: UUID
    role: Role | UnsetType = UNSET
    suspended: Suspend | UnsetType | None = UNSET


class ManagedRoom(View):
    """A room from outside; nothing that was said in it."""

    id: UUID
    kind: str
    name: str | None
    topic: str
    member_count: int
    last_seq: int
    created_by: UUID | None
    created_at: str
    last_entry_at: str
    archived: bool


class ListAllRooms(Listed):
    kind: Literal["public", "private", "direct"] | None = None
    archived: Yes | None = None
