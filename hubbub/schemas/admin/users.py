"""Commands and views of users and rooms, for administrators."""

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
    """`until` is null for an unlimited suspension."""

    reason: Annotated[str, Meta(description="One line, visible to admins and in the audit log.")]
    since: Annotated[str, Meta(description="When it began, RFC 3339, UTC.")]
    until: Annotated[str, Meta(description="When it ends, RFC 3339, UTC. Null: it has no end.")] | None


class ManagedUser(View):
    id: Annotated[UUID, Meta(description="Stable. It stays when the username changes.")]
    username: Annotated[str, Meta(description="Unique. Lower case.")]
    display_name: Annotated[str, Meta(description="What others see. It need not be unique.")]
    avatar_url: Annotated[str, Meta(description="Null if the user has no picture.")] | None
    email: Annotated[str, Meta(description="Visible to the user and to admins only.")]
    email_verified: Annotated[
        bool, Meta(description="True after the user used the token of the verification e-mail.")
    ]
    role: Annotated[
        str,
        Meta(description="`user`, `moderator` or `admin`: what the account may do across the deployment."),
    ]
    suspended: Annotated[Suspension | None, Meta(description="Null unless the account is suspended now.")]
    created_at: Annotated[str, Meta(description="Time of registration, RFC 3339, UTC.")]
    last_seen_at: (
        Annotated[str, Meta(description="Latest activity of any session, RFC 3339, UTC. Null: never.")] | None
    )


class ListUsers(ListQuery):
    sort: UserOrder | None = None
    role: Annotated[Role, Meta(description="Only accounts with this role.")] | None = None
    suspended: (
        Annotated[BoolText, Meta(description="`true` selects suspended accounts, `false` the others.")] | None
    ) = None


class UserRef(Command):
    user_id: Annotated[UUID, Meta(description="Of the account to read or delete.")]


class Suspend(Command, forbid_unknown_fields=True):
    """An object suspends the account and ends its sessions. Null lifts the suspension."""

    reason: Annotated[str, Meta(min_length=1, max_length=250, **name_rules(250))]
    until: (
        Annotated[
            datetime,
            Meta(tz=True),
            Meta(description="RFC 3339 with a time zone. Null: the suspension has no end."),
        ]
        | None
    ) = None


class ChangeUser(Command):
    """A missing field is unchanged; null ends a suspension."""

    user_id: Annotated[UUID, Meta(description="Of the account to change.")]
    role: (
        Annotated[
            Role,
            Meta(description="What the account may do across the deployment. The last admin keeps the role."),
        ]
        | UnsetType
    ) = UNSET
    suspended: Suspend | UnsetType | None = UNSET


class ManagedRoom(View):
    """A room without its messages."""

    id: Annotated[UUID, Meta(description="Stable. It stays when the name changes.")]
    kind: Annotated[str, Meta(description="`public`, `private` or `direct`.")]
    name: Annotated[str, Meta(description="Null for direct rooms and for private rooms without one.")] | None
    topic: Annotated[str, Meta(description="One line. Empty if it is not set.")]
    member_count: Annotated[int, Meta(description="Current members, connected or not.")]
    last_seq: Annotated[int, Meta(description="`seq` of the newest entry of the log.")]
    created_by: Annotated[UUID, Meta(description="Id of a user. Null after the account was deleted.")] | None
    created_at: Annotated[str, Meta(description="RFC 3339, UTC. The list is sorted by it.")]
    last_entry_at: Annotated[str, Meta(description="Time of the newest entry, RFC 3339, UTC.")]
    archived: Annotated[bool, Meta(description="True: the room is closed.")]


class ListAllRooms(ListQuery):
    sort: RoomOrder | None = None
    kind: (
        Annotated[Literal["public", "private", "direct"], Meta(description="Only rooms of this visibility.")]
        | None
    ) = None
    archived: (
        Annotated[BoolText, Meta(description="`true` selects archived rooms, `false` the others.")] | None
    ) = None
