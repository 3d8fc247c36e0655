"""The events that the server sends to clients: one struct for each, with its name, and the table of all.

The struct is what is encoded: its fields, in this order, are the payload. `docs/protocol.md` documents them.
"""

import inspect
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import ClassVar, NamedTuple
from uuid import UUID

from msgspec import UNSET, UnsetType

from hubbub.schemas.base import View
from hubbub.schemas.chat.messages import Message
from hubbub.schemas.chat.rooms import CappedCount, Role, Room
from hubbub.schemas.errors import ErrorBody
from hubbub.schemas.sync.connection import CloseCode, SessionEndReason
from hubbub.schemas.users.users import Status, User

NOT_APPENDED = UUID(int=0)  # the room of an entry that is not in a log yet


class Kind(StrEnum):
    """How an event is delivered."""

    ENTRY = "entry"  # durable: stored in the log of a room, in order, without gaps and duplicates
    HINT = "hint"  # may be dropped
    CONNECTION = "connection"  # about the socket that receives it


class Direction(StrEnum):
    """Who sends an event."""

    TO_CLIENT = "to_client"
    TO_SERVER = "to_server"


class OutgoingEvent(View):
    """An event that the server sends."""

    event_name: ClassVar[str]
    kind: ClassVar[Kind]


class EntryEvent(OutgoingEvent, kw_only=True):
    """A durable event of a room. The log sets the four common fields when it appends the entry."""

    kind = Kind.ENTRY

    room_id: UUID = NOT_APPENDED
    seq: int = 0
    at: str = ""
    actor_id: UUID | None = None

    @property
    def subject(self) -> UUID | None:
        """The user whose membership the entry begins, ends or changes."""
        return None

    @property
    def content_id(self) -> UUID | None:
        """The message whose content the entry contains: the content is removed when it is deleted."""
        return None


class MessageNew(EntryEvent, kw_only=True):
    """A message was sent."""

    event_name = "message:new"
    message: Message

    @property
    def content_id(self) -> UUID:
        return self.message.id


class MessageUpdated(EntryEvent, kw_only=True):
    """A message was edited."""

    event_name = "message:updated"
    message: Message

    @property
    def content_id(self) -> UUID:
        return self.message.id


class MessageDeleted(EntryEvent, kw_only=True):
    """A message was deleted. It keeps its place, without its content."""

    event_name = "message:deleted"
    message_id: UUID


class ReactionAdded(EntryEvent, kw_only=True):
    """A user reacted to a message."""

    event_name = "reaction:added"
    message_id: UUID
    emoji: str
    user_id: UUID


class ReactionRemoved(EntryEvent, kw_only=True):
    """A user removed a reaction."""

    event_name = "reaction:removed"
    message_id: UUID
    emoji: str
    user_id: UUID


class MemberJoined(EntryEvent, kw_only=True):
    """A membership began."""

    event_name = "member:joined"
    user: User
    role: Role

    @property
    def subject(self) -> UUID:
        return self.user.id


class MemberLeft(EntryEvent, kw_only=True):
    """A membership ended. For the user who left it is the last entry of the room."""

    event_name = "member:left"
    user: User
    role: Role

    @property
    def subject(self) -> UUID:
        return self.user.id


class MemberRole(EntryEvent, kw_only=True):
    """A member has another role."""

    event_name = "member:role"
    user_id: UUID
    role: Role

    @property
    def subject(self) -> UUID:
        return self.user_id


class RoomUpdated(EntryEvent, kw_only=True):
    """A room has another name or topic. `my`, `peer` and `last_message` of the room are null."""

    event_name = "room:updated"
    room: Room


class HintEvent(OutgoingEvent):
    """An event that may be dropped."""

    kind = Kind.HINT


class RoomAddedHint(HintEvent):
    """A membership began, not by a request of this socket. Entries after `room.last_seq` follow."""

    event_name = "room:added"
    room: Room


class RoomGoneHint(HintEvent):
    """A membership ended."""

    event_name = "room:gone"
    room_id: UUID


class RoomMutedHint(HintEvent):
    """The user muted or unmuted a room on another device."""

    event_name = "room:muted"
    room_id: UUID
    muted: bool


class TypingHint(HintEvent):
    """A user starts or stops typing in a room."""

    event_name = "typing"
    room_id: UUID
    user_id: UUID
    typing: bool


class PresenceHint(HintEvent):
    """The status of a user changed. `last_seen_at` is null while the user is not offline."""

    event_name = "presence"
    user_id: UUID
    status: Status
    last_seen_at: str | None


class ReadHint(HintEvent):
    """A read mark moved. Only the sockets of its own user receive `unread` and `mentions`."""

    event_name = "read"
    room_id: UUID
    user_id: UUID
    seq: int
    unread: CappedCount | UnsetType = UNSET
    mentions: CappedCount | UnsetType = UNSET


class ConnectionEvent(OutgoingEvent):
    """An event about the socket that receives it."""

    kind = Kind.CONNECTION


class Ready(ConnectionEvent):
    """The socket is subscribed to the rooms of its user. It is the first event."""

    event_name = "ready"
    user: User
    session_id: UUID
    server_time: str
    epoch: str
    rooms: list[Room]
    rooms_complete: bool
    protocol: int = 1


class RequestFailed(ConnectionEvent):
    """An event of the client, which asked for no ack, failed."""

    event_name = "error"
    event: str
    error: ErrorBody


class ServerDraining(ConnectionEvent):
    """The instance goes down and closes this socket soon."""

    event_name = "server:draining"
    reconnect_in_ms: int


class AuthExpiring(ConnectionEvent):
    """The access token of the socket expires within 60 s."""

    event_name = "auth:expiring"
    expires_at: str


class AuthExpired(ConnectionEvent):
    """The access token of the socket expired. `closing` follows."""

    event_name = "auth:expired"


class AuthRevoked(ConnectionEvent):
    """The session of the socket ended. `closing` follows."""

    event_name = "auth:revoked"
    reason: SessionEndReason


class Closing(ConnectionEvent):
    """The server closes the socket. It is the last event."""

    event_name = "closing"
    code: CloseCode
    message: str
    retry_after_ms: int | None


class EventSpec(NamedTuple):
    struct: type[OutgoingEvent]
    kind: Kind
    direction: Direction
    description: str


def spec(struct: type[OutgoingEvent]) -> EventSpec:
    """Return the row of an event."""
    return EventSpec(struct, struct.kind, Direction.TO_CLIENT, inspect.cleandoc(struct.__doc__ or ""))


# The events of every namespace.
SOCKET_EVENTS = (RequestFailed, ServerDraining, AuthExpiring, AuthExpired, AuthRevoked, Closing)
_STRUCTS: tuple[type[OutgoingEvent], ...] = (
    *(MessageNew, MessageUpdated, MessageDeleted, ReactionAdded, ReactionRemoved),
    *(MemberJoined, MemberLeft, MemberRole, RoomUpdated),
    *(RoomAddedHint, RoomGoneHint, RoomMutedHint, TypingHint, PresenceHint, ReadHint),
    *(Ready, *SOCKET_EVENTS),
)

# All events that the server sends on /chat, by name. Extensions may send others, through python-socketio.
EVENTS: Mapping[str, EventSpec] = MappingProxyType({each.event_name: spec(each) for each in _STRUCTS})
