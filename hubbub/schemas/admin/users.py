"""Users and rooms as those see them who look after the whole."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from hubbub.schemas.base import Command, View
from hubbub.schemas.pagination import MAX_SORT_CHARS, ListQuery, sort_rules
from hubbub.schemas.texts import name_rules

Role = Literal["user", "moderator", "admin"]
BoolText = Literal["true", "false"]
_USER_SORT = sort_rules("username", "display_name", "email", "role", "created_at", "last_seen_at")
UserOrder = Annotated[str, Meta(max_length=MAX_SORT_CHARS, **_USER_SORT)]
_ROOM_SORT = sort_rules("name", "kind", "member_count", "created_at", "last_entry_at")
RoomOrder = Annotated[str, Meta(max_length=MAX_SORT_CHARS, **_ROOM_SORT)]


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


class ListUsers(ListQuery):
    sort: UserOrder | None = None
    role: Role | None = None
    suspended: BoolText | None = None


class UserRef(Command):
    user_id: UUID


class Suspend(Command, forbid_unknown_fields=True):
    reason: Annotated[str, Meta(min_length=1, max_length=250, **name_rules(250))]
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


class ListAllRooms(ListQuery):
    sort: RoomOrder | None = None
    kind: Literal["public", "private", "direct"] | None = None
    archived: BoolText | None = None
