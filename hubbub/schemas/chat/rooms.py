"""Commands and views of rooms and their members."""

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
# A name for lookups: rooms of earlier releases may have one that is longer when normalized.
KnownName = Annotated[str, Meta(min_length=1, max_length=80, **name_rules(names.MAX_KEY_CHARS))]
Topic = Annotated[str, Meta(max_length=250, **LINE_RULES)]
# The server generates cursors of these characters. 4096 others could make a request line too long.
Cursor = Annotated[str, Meta(max_length=4096, extra_json_schema={"pattern": r"^[A-Za-z0-9._~-]*$(?!\n)"})]
Page = Annotated[int, Meta(ge=1, le=200)]
MAX_PREVIEW_CHARS = 140  # characters
CappedCount = Annotated[int, Meta(ge=0, le=1000, description="1000 means 1000 or more")]


class OwnMembership(View):
    """The caller's own membership. `unread` and `mentions` count only messages of others."""

    role: Annotated[Role, Meta(description="What the caller may do in the room.")]
    last_read_seq: Annotated[int, Meta(description="Read mark: entries up to this `seq` are read.")]
    unread: Annotated[
        CappedCount, Meta(description="Messages of others after the read mark. 1000 means 1000 or more.")
    ]
    mentions: Annotated[
        CappedCount, Meta(description="Unread messages that mention the caller. 1000 means 1000 or more.")
    ]
    muted: Annotated[bool, Meta(description="True: notifications of this room are off.")]


class LastMessage(View):
    """The newest message of a room. `preview` is its beginning, and empty if it was deleted."""

    id: Annotated[UUID, Meta(description="Needed to get, edit or delete it.")]
    seq: Annotated[int, Meta(description="Position in the log of the room.")]
    sender: Annotated[User, Meta(description="As the account is now.")]
    preview: Annotated[
        str,
        Meta(max_length=MAX_PREVIEW_CHARS),
        Meta(description="Beginning of the text. Empty after deletion."),
    ]
    at: Annotated[str, Meta(description="Time of storage, RFC 3339, UTC.")]


class Room(View):
    """`peer` is the other user of a direct room.

    `my`, `peer` and `last_message` are null for a user who is not a member, and in broadcast entries.
    """

    id: Annotated[UUID, Meta(description="Stable. It stays when the name changes.")]
    kind: Annotated[
        Kind,
        Meta(description="`public`: every user may join. `private`: by invitation. `direct`: two users."),
    ]
    name: Annotated[str, Meta(description="Null for direct rooms and for private rooms without one.")] | None
    topic: Annotated[str, Meta(description="One line. Empty if it is not set.")]
    created_by: Annotated[UUID, Meta(description="Id of a user. Null after the account was deleted.")] | None
    created_at: Annotated[str, Meta(description="RFC 3339, UTC.")]
    last_seq: Annotated[int, Meta(description="`seq` of the newest entry of the log.")]
    member_count: Annotated[int, Meta(description="Current members, connected or not.")]
    peer: Annotated[
        User | None,
        Meta(description="The other user of a direct room. Null otherwise, and in broadcast entries."),
    ]
    last_message: Annotated[
        LastMessage | None,
        Meta(description="The newest one. Null without one, for non-members and in broadcast entries."),
    ]
    my: Annotated[
        OwnMembership | None,
        Meta(description="The caller's membership. Null for non-members and in broadcast entries."),
    ]


class Member(View):
    user: Annotated[User, Meta(description="The account of the member.")]
    role: Annotated[Role, Meta(description="`owner`, `moderator` or `member` of this room.")]
    status: Annotated[Status, Meta(description="Presence over all devices.")]


class RoomResponse(View):
    room: Room


class JoinResponse(View):
    room: Room
    members: list[User]


class RoleResponse(View):
    role: Annotated[Role, Meta(description="The one that is now in effect.")]


class Rooms(View):
    rooms: list[Room]
    next_cursor: str | None


class Members(View):
    members: list[Member]
    next_cursor: str | None


class ReadState(View):
    last_read_seq: Annotated[int, Meta(description="Read mark: entries up to this `seq` are read.")]
    unread: Annotated[
        CappedCount, Meta(description="Messages of others after the read mark. 1000 means 1000 or more.")
    ]
    mentions: Annotated[
        CappedCount, Meta(description="Unread messages that mention the caller. 1000 means 1000 or more.")
    ]


class Empty(View):
    """`{}`: success without data."""


class ListRooms(Command):
    cursor: Annotated[Cursor, Meta(description="`next_cursor` of the page before.")] | None = None
    limit: Annotated[Page, Meta(description="Rooms on a page.")] | None = None


class BrowseRooms(Command):
    query: Annotated[str, Meta(max_length=200), Meta(description="Words that the name contains.")] | None = (
        None
    )
    cursor: Annotated[Cursor, Meta(description="`next_cursor` of the page before.")] | None = None
    limit: Annotated[Page, Meta(description="Rooms on a page.")] | None = None


class CreateRoom(Command):
    """A direct room requires one other user and no name. A public room requires a name."""

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

    kind: Annotated[
        Kind,
        Meta(description="`public`: every user may join. `private`: by invitation. `direct`: two users."),
    ]
    name: (
        Annotated[
            Name,
            Meta(
                description=(
                    "Required for public rooms, where it is unique in any case. Refused for direct rooms."
                )
            ),
        ]
        | None
    ) = None
    topic: Annotated[Topic, Meta(description="One line about the purpose of the room.")] | None = None
    member_ids: (
        Annotated[
            list[UUID],
            Meta(max_length=100),
            Meta(description="Users to add. A direct room takes exactly one."),
        ]
        | None
    ) = None


class UpdateRoom(Command):
    room_id: Annotated[UUID, Meta(description="A room in which the caller is owner or moderator.")]
    name: (
        Annotated[Name, Meta(description="Unique in any case among public rooms. Null keeps it.")] | None
    ) = None
    topic: (
        Annotated[Topic, Meta(description="One line about the purpose of the room. Null keeps it.")] | None
    ) = None


class JoinRoom(Command):
    """Either `room_id`, or the `name` of a public room."""

    room_id: Annotated[UUID, Meta(description="A public room.")] | None = None
    name: Annotated[KnownName, Meta(description="Name of a public room, in any case.")] | None = None


class RoomRef(Command):
    room_id: Annotated[UUID, Meta(description="A room that the caller may see.")]


class RoomUserRef(Command):
    room_id: Annotated[UUID, Meta(description="A room of the caller.")]
    user_id: Annotated[UUID, Meta(description="The account to add or remove.")]


class SetRole(Command):
    room_id: Annotated[UUID, Meta(description="A room of which the caller is owner.")]
    user_id: Annotated[UUID, Meta(description="A member of the room.")]
    role: Annotated[Role, Meta(description="What the member may do in the room from now on.")]


class ListMembers(Command):
    room_id: Annotated[UUID, Meta(description="A room of the caller.")]
    cursor: Annotated[Cursor, Meta(description="`next_cursor` of the page before.")] | None = None
    limit: Annotated[Page, Meta(description="Members on a page.")] | None = None


class ReadRoom(Command):
    """A `seq` out of range is clamped."""

    room_id: Annotated[UUID, Meta(description="A room of the caller.")]
    seq: Annotated[
        int,
        Meta(ge=0),
        Meta(description="The newest entry that was read. A lower one than before changes nothing."),
    ]


class MuteRoom(Command):
    room_id: UUID
    muted: bool
