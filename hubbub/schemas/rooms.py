"""Rooms and their members: what is asked and what is shown."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.schemas.base import Command, View
from hubbub.schemas.users import Status, User

Kind = Literal["public", "private", "direct"]
Role = Literal["owner", "moderator", "member"]
Name = Annotated[str, Meta(min_length=1, max_length=80)]
Topic = Annotated[str, Meta(max_length=250)]
Cursor = Annotated[str, Meta(max_length=200)]
Page = Annotated[int, Meta(ge=1, le=200)]


class My(View):
    """The asker's own standing in a room; unread and mentions count others' messages only."""

    role: Role
    last_read_seq: int
    unread: int
    mentions: int
    muted: bool


class Room(View):
    """`my` is null for a room one is not in, and in whatever is broadcast."""

    id: UUID
    kind: Kind
    name: str | None
    topic: str
    created_by: UUID | None
    created_at: str
    last_seq: int
    member_count: int
    my: My | None


class Member(View):
    user: User
    role: Role
    status: Status


class RoomAnswer(View):
    room: Room


class Joined(View):
    room: Room
    members: list[User]


class RoleAnswer(View):
    role: Role


class Rooms(View):
    rooms: list[Room]
    next_cursor: str | None


class Members(View):
    members: list[Member]
    next_cursor: str | None


class ReadState(View):
    last_read_seq: int
    unread: int
    mentions: int


class Nothing(View):
    """`{}`: done, and nothing to say."""


class ListRooms(Command):
    cursor: Cursor | None = None
    limit: Page | None = None


class BrowseRooms(Command):
    query: Annotated[str, Meta(max_length=200)] | None = None
    cursor: Cursor | None = None
    limit: Page | None = None


class CreateRoom(Command):
    kind: Kind
    name: Name | None = None
    topic: Topic | None = None
    member_ids: Annotated[list[UUID], Meta(max_length=100)] | None = None


class UpdateRoom(Command):
    room_id: UUID
    name: Name | None = None
    topic: Topic | None = None


class JoinRoom(Command):
    """By `room_id`, or by the `name` of a public room."""

    room_id: UUID | None = None
    name: Name | None = None


class RoomOnly(Command):
    room_id: UUID


class RoomUser(Command):
    room_id: UUID
    user_id: UUID


class SetRole(Command):
    room_id: UUID
    user_id: UUID
    role: Role


class ListMembers(Command):
    room_id: UUID
    cursor: Cursor | None = None
    limit: Page | None = None


class ReadRoom(Command):
    """`seq` out of range is clamped."""

    room_id: UUID
    seq: int


class MuteRoom(Command):
    room_id: UUID
    muted: bool
