"""The bus: what instances tell each other. Losing a signal costs time, never data.

Every signal follows a change that is stored already, or is a hint that may be lost. Signals of one
publisher arrive in the order they were published; those of several publishers in any order, which is why
entries carry their seq.
"""

from collections.abc import Callable
from typing import Protocol, Self
from uuid import UUID

import msgspec

from hubbub.schemas.base import to_builtins
from hubbub.schemas.chat.rooms import Room
from hubbub.schemas.eventlog.entries import Entry
from hubbub.schemas.events import HintEvent
from hubbub.schemas.sync.connection import CloseCode
from hubbub.schemas.users.users import User

WORKERS_USER_ID = UUID(int=0)


class Signal(msgspec.Struct, frozen=True, tag=True):
    """Something an instance tells all instances, itself included."""


# Tags are as instances of earlier releases write them: for a while they run side by side.
class EntriesAppended(Signal, frozen=True, tag="Entries"):
    """There is something new in the log of a room. Ascending by seq."""

    room_id: UUID
    entries: tuple[Entry, ...]


class LogAdvanced(Signal, frozen=True, tag="Moved"):
    """The log of a room goes up to `seq` now; its entries are too large to travel, and are in the log."""

    room_id: UUID
    seq: int


class SignalsLost(Signal, frozen=True, tag="Missed"):
    """Some signals may have been lost until now: look at the logs. Told by a bus to its own instance."""


class MemberJoined(Signal, frozen=True):
    """A membership began with the entry `seq`; published before that entry.

    `skip_socket` asked for it and learns by its ack. The user's other sockets get the entries after `after`;
    without it those from `seq` on, which are all that `skip_socket` gets in any case.
    """

    user_id: UUID
    room_id: UUID
    seq: int
    room: Room
    version: int
    skip_socket: str | None = None
    after: int | None = None


class MemberChanged(Signal, frozen=True):
    """A membership ended (with the entry `seq`, if that is known), or what is given is another one now.

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
    """For the members of a room that are connected, without the sockets of `skip_user` and `skip_sockets`.

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
    """For a user's own sockets, except `skip_socket`. `event` and `payload`: see RoomHint."""

    user_id: UUID
    event: str
    payload: dict[str, object]
    skip_socket: str | None = None

    @classmethod
    def of(cls, user_id: UUID, hint: HintEvent, skip_socket: str | None = None) -> Self:
        """Return the signal that carries `hint`."""
        return cls(user_id, hint.event_name, to_builtins(hint), skip_socket)


class Typing(Signal, frozen=True):
    """A user starts, goes on (`typing`) or stops typing in a room; published to the instances with the room.

    `counter` increases with each signal about this user and room. `age_ms` is how long ago the start was.
    """

    room_id: UUID
    typist_id: UUID
    counter: int
    typing: bool
    age_ms: int = 0


class PresenceChanged(Signal, frozen=True):
    """For whoever is in one of `room_ids`, and for the user's own sockets."""

    user_id: UUID
    status: str
    last_seen_at: str | None
    room_ids: tuple[UUID, ...]


class SessionEnded(Signal, frozen=True):
    """A session (None: every session of the user) may do nothing any more.

    `code` is `session_revoked` or `suspended`. `reason` is a SessionEndReason, which is in `auth:revoked`, or
    the message of the suspension, which is in `closing`.
    """

    user_id: UUID
    session_id: UUID | None
    code: CloseCode
    reason: str


class AccountChanged(Signal, frozen=True):
    """What others see of a user, or what the user may do, is another thing now."""

    user: User
    role: str

    @property
    def user_id(self) -> UUID:
        """Whom it is about."""
        return self.user.id


class JobsWaiting(Signal, frozen=True):
    """A job was stored that may be done now. For workers, which follow this user, who is nobody."""

    user_id: UUID = WORKERS_USER_ID


class Bus(Protocol):
    """How signals travel."""

    async def start(self) -> None:
        """Begin. Returns soon, whether others can be reached or not."""

    async def close(self) -> None:
        """Hand over what was published, and end."""

    def state(self) -> str | None:
        """`ok`, `away` (nothing reaches the others at the moment), or None: there are no others."""

    def publish(self, signal: Signal) -> None:
        """Hand over a signal. Never blocks and never raises: what can't be carried is dropped and counted.

        This instance's own listeners have heard it when this returns.
        """

    def add_handler(self, handler: Callable[[Signal], None]) -> None:
        """Have every signal handed to `handler`, which must not block."""

    def subscribe_room(self, room_id: UUID) -> None:
        """Hear the signals of a room, from soon on until `unfollow`."""

    def unsubscribe_room(self, room_id: UUID) -> None:
        """Hear them no more."""

    def subscribe_user(self, user_id: UUID) -> None:
        """Hear the signals for a user; as often as that, `unfollow_user` ends it."""

    def unsubscribe_user(self, user_id: UUID) -> None:
        """Undo one `follow_user`."""

    def subscribe_topic(self, topic: str) -> None:
        """Hear the signals that name a topic, for good."""

    async def wait_subscribed(self) -> None:
        """Wait until what is followed by now is heard indeed; not for long, and not while others are away."""

    async def wait_published(self) -> None:
        """Wait until what was published by now can be received; at most 0.1 s."""

    async def is_current(self, user_id: UUID) -> bool:
        """Whether all that was published about a subscribed user before this call has been received here.

        Takes a round trip, at most 0.25 s. False if it is not certain.
        """
