"""Rooms and their members: what is asked and what is shown."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta

from hubbub.core.text import names
from hubbub.schemas.base import Command, View
from hubbub.schemas.texts import LINE_RULES, name_rules
from hubbub.schemas.users.users import Status, User

Kind = Literal["public", "private", "direct"]
Role = Literal["owner", "moderator", "member"]
Name = Annotated[str, Meta(min_length=1, max_length=80, **name_rules(80))]
# A name to look for: rooms of earlier releases may have one that grows when it is normalized.
KnownName = Annotated[str, Meta(min_length=1, max_length=80, **name_rules(names.MAX_KEY_CHARS))]
Topic = Annotated[str, Meta(max_length=250, **LINE_RULES)]
# Of these characters the server makes them; of others 4096 could make a request line too long.
Cursor = Annotated[str, Meta(max_length=4096, extra_json_schema={"pattern": r"^[A-Za-z0-9._~-]*$(?!\n)"})]
Page = Annotated[int, Meta(ge=1, le=200)]
MAX_PREVIEW_CHARS = 140  # characters
CappedCount = Annotated[int, Meta(ge=0, le=1000, description="1000 means 1000 or more")]


class OwnMembership(View):
    """The asker's own standing in a room; unread and mentions count others' messages only."""

    role: Role
    last_read_seq: int
    unread: CappedCount
    mentions: CappedCount
    muted: bool


class LastMessage(View):
    """The newest message of a room; `preview` is its beginning, and empty if it was deleted."""

    id: UUID
    seq: int
    sender: User
    preview: Annotated[str, Meta(max_length=MAX_PREVIEW_CHARS)]
    at: str


class Room(View):
    """`peer` is the other user of a direct room.

    `my`, `peer` and `last_message` are null for a user who is not a member, and in broadcast entries.
    """

    id: UUID
    kind: Kind
    name: str | None
    topic: str
    created_by: UUID | None
    created_at: str
    last_seq: int
    member_count: int
    peer: User | None
    last_message: LastMessage | None
    my: OwnMembership | None


class Member(View):
    user: User
    role: Role
    status: Status


class RoomResponse(View):
    room: Room


class JoinResponse(View):
    room: Room
    members: list[User]


class RoleResponse(View):
    role: Role


class Rooms(View):
    rooms: list[Room]
    next_cursor: str | None


class Members(View):
    members: list[Member]
    next_cursor: str | None


class ReadState(View):
    last_read_seq: int
    unread: CappedCount
    mentions: CappedCount


class Empty(View):
    """`{}`: done, and nothing to say."""


class ListRooms(Command):
    cursor: Cursor | None = None
    limit: Page | None = None


class BrowseRooms(Command):
    query: Annotated[str, Meta(max_length=200)] | None = None
    cursor: Cursor | None = None
    limit: Page | None = None


class CreateRoom(Command):
    """A direct room takes one other user and no name; a public one needs a name."""

    field_rules: ClassVar[tuple[dict[str, Any], ...]] = (
        {
            "anyOf": [
                {
                    "properties": {
                        "kind": {"const": "direct"},
                        "name": {"type": "null"},
                        "member_ids": {"type": "array", "minItems": 1, "maxItems": 1},
                    },
                    "required": ["member_ids"],
                },
                {
                    "properties": {"kind": {"const": "public"}, "name": {"type": "string"}},
                    "required": ["name"],
                },
                {"properties": {"kind": {"const": "private"}}},
            ]
        },
    )

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
    name: KnownName | None = None


class RoomRef(Command):
    room_id: UUID


class RoomUserRef(Command):
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
    seq: Annotated[int, Meta(ge=0)]


class MuteRoom(Command):
    room_id: UUID
    muted: bool
