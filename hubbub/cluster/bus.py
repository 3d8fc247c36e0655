"""The bus: signals between instances. Losing a signal costs time, never data.

Every signal follows a change that is already stored, or is a hint that may be lost. Signals of one
publisher are received in the order in which they were published. Signals of several publishers are received
in any order, which is why entries carry their seq.
"""

from collections.abc import Callable
from typing import Protocol, Self
from uuid import UUID

import msgspec

from hubbub.schemas.base import encode, to_builtins
from hubbub.schemas.chat.rooms import Room
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import HintEvent
from hubbub.schemas.sync.connection import CloseCode
from hubbub.schemas.users.users import User

WORKERS_USER_ID = UUID(int=0)  # the channel of this user, which no account has, carries signals for workers

ANNOUNCEMENTS_TOPIC = "announcements"
CACHE_TOPIC = "cache"


class Signal(msgspec.Struct, frozen=True, tag=True):
    """A message from one instance to all instances, itself included."""


# Tags are as in earlier releases, whose instances run beside this one during an update.
class EntriesAppended(Signal, frozen=True, tag="Entries"):
    """New entries in the log of a room, in ascending order of seq."""

    room_id: UUID
    entries: tuple[Entry, ...]


class LogAdvanced(Signal, frozen=True, tag="Moved"):
    """The log of a room now ends at `seq`. Its new entries are too large for the bus: read the log."""

    room_id: UUID
    seq: int


class SignalsLost(Signal, frozen=True, tag="Missed"):
    """Signals may have been lost before this one: check the logs. Published within an instance only."""


class MemberJoined(Signal, frozen=True):
    """A membership began with the entry `seq`. Published before that entry.

    `skip_socket` requested the membership and gets its ack, and the entries from `seq` on. The user's other
    sockets get the entries after `after`, or from `seq` on without it.
    """

    user_id: UUID
    room_id: UUID
    seq: int
    room: Room
    version: int
    skip_socket: str | None = None
    after: int | None = None


class MemberChanged(Signal, frozen=True):
    """A membership ended (with the entry `seq`, if it is known), or the given fields of it changed.

    `skip_socket` requested the change and gets its ack; the user's other sockets get a hint where one exists.
    """

    user_id: UUID
    room_id: UUID
    role: str | None = None
    muted: bool | None = None
    ended: bool = False
    skip_socket: str | None = None
    seq: int | None = None


class RoomHint(Signal, frozen=True):
    """A hint for the sockets of a room, except those of `skip_user` and `skip_sockets`.

    `event` and `payload` are the encoded form of a hint. The emits of extensions have other names, too.
    """

    room_id: UUID
    event: str
    payload: dict[str, object]
    skip_user: UUID | None = None
    skip_sockets: tuple[str, ...] = ()

    @classmethod
    def of(cls, room_id: UUID, hint: HintEvent, *, skip_user: UUID | None = None) -> Self:
        """Return the signal that carries `hint`."""
        return cls(room_id, hint.event_name, to_builtins(hint), skip_user)


class UserHint(Signal, frozen=True):
    """A hint for a user's own sockets, except `skip_socket`. `event` and `payload`: see RoomHint."""

    user_id: UUID
    event: str
    payload: dict[str, object]
    skip_socket: str | None = None

    @classmethod
    def of(cls, user_id: UUID, hint: HintEvent, skip_socket: str | None = None) -> Self:
        """Return the signal that carries `hint`."""
        return cls(user_id, hint.event_name, to_builtins(hint), skip_socket)


class InboxAppended(Signal, frozen=True):
    """New entries of a user's inbox, from `first_seq` on. A payload is JSON of `notification:new`."""

    user_id: UUID
    first_seq: int
    payloads: tuple[str, ...]


class InboxHint(Signal, frozen=True):
    """A hint for a user's sockets of /notifications, except `skip_socket`. `payload` is JSON."""

    user_id: UUID
    event: str
    payload: str
    skip_socket: str | None = None

    @classmethod
    def of(cls, user_id: UUID, hint: HintEvent, skip_socket: str | None = None) -> Self:
        """Return the signal that carries `hint`."""
        return cls(user_id, hint.event_name, encode(hint).decode(), skip_socket)


class AnnouncementStored(Signal, frozen=True):
    """There is a new announcement, with this number. For all instances."""

    number: int
    topic: str = ANNOUNCEMENTS_TOPIC


class CacheInvalidated(Signal, frozen=True):
    """The data with these tags changed. For all instances, which remove their cached responses."""

    tags: tuple[str, ...]
    topic: str = CACHE_TOPIC


class Typing(Signal, frozen=True):
    """A user starts, continues (`typing`) or stops typing in a room. For the instances with the room.

    `counter` increases with each signal about this user and room. `age_ms` is the time since the start.
    """

    room_id: UUID
    typist_id: UUID
    counter: int
    typing: bool
    age_ms: int = 0


class PresenceChanged(Signal, frozen=True):
    """The status of a user changed. For the sockets in one of `room_ids`, and for the user's own."""

    user_id: UUID
    status: str
    last_seen_at: str | None
    room_ids: tuple[UUID, ...]


class SessionEnded(Signal, frozen=True):
    """A session (None: every session of the user) has ended.

    `code` is `session_revoked` or `suspended`. `reason` is a SessionEndReason, which is in `auth:revoked`, or
    the message of the suspension, which is in `closing`.
    """

    user_id: UUID
    session_id: UUID | None
    code: CloseCode
    reason: str


class AccountChanged(Signal, frozen=True):
    """The public fields or the role of a user changed."""

    user: User
    role: str

    @property
    def user_id(self) -> UUID:
        """The id of the user."""
        return self.user.id


class JobsWaiting(Signal, frozen=True):
    """A job was stored that may run now. For workers, which subscribe to WORKERS_USER_ID."""

    user_id: UUID = WORKERS_USER_ID


class Bus(Protocol):
    """Carries signals between instances."""

    async def start(self) -> None:
        """Start. Returns soon, whether other instances can be reached or not."""

    async def close(self) -> None:
        """Send what was published, and stop."""

    def state(self) -> str | None:
        """Return `ok`, `unavailable` (no signal reaches other instances), or None: there are no others."""

    def publish(self, signal: Signal) -> None:
        """Publish a signal. Never blocks and never raises.

        The handlers of this instance run before it returns. A signal that cannot be sent is dropped and
        counted.
        """

    def add_handler(self, handler: Callable[[Signal], None]) -> None:
        """Call `handler` for every signal that is received. It must not block."""

    def subscribe_room(self, room_id: UUID) -> None:
        """Receive the signals of a room, from soon on until `unsubscribe_room`."""

    def unsubscribe_room(self, room_id: UUID) -> None:
        """Stop receiving the signals of a room."""

    def subscribe_user(self, user_id: UUID) -> None:
        """Receive the signals for a user, until each call has had its `unsubscribe_user`."""

    def unsubscribe_user(self, user_id: UUID) -> None:
        """Undo one `subscribe_user`."""

    def subscribe_topic(self, topic: str) -> None:
        """Receive the signals that name a topic. There is no end."""

    async def wait_subscribed(self) -> None:
        """Wait until the subscriptions made so far are in effect, at most 1 s.

        Returns at once while Redis is unavailable.
        """

    async def wait_published(self) -> None:
        """Wait until the signals published so far can be received, at most 0.1 s."""

    async def publish_confirmed(self, signal: Signal) -> bool:
        """Publish a signal and wait as `wait_published`. Return whether it certainly can be received."""

    async def is_current(self, user_id: UUID) -> bool:
        """Return whether all signals for a subscribed user published before this call were received here.

        Takes a round trip, at most 0.25 s. False if it is not certain.
        """
