"""The cached state of one user: memberships, sessions and rate limit.

Most users of an instance are connected and idle, so their state is compact: structs that the garbage
collector does not track (they refer to nothing that could refer back), no dictionary for a single value, and
nothing that only senders need.
"""

from collections.abc import Iterator, MutableMapping
from uuid import UUID

import msgspec

from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.schemas.users.users import User
from hubbub.services.instance.session_cache import AuthenticatedSession, CachedSession

MAX_RECENT_CLIENT_IDS = 32  # of a user: more than the burst of messages; the database has the older ones
_ID_BYTES = 16


class CachedMembership(msgspec.Struct, gc=False):
    """A user's membership in a room, as of the room's `version`."""

    room_id: UUID
    kind: str  # kind of the room
    role: str  # role of the user in the room
    muted: bool  # whether the user muted the room
    version: int  # `member_version` of the room when this was read; compared when a message is stored
    joined_seq: int = 0  # `seq` of the entry that began the membership


class CachedRoom(msgspec.Struct, gc=False):
    """A room that has at least one cached member."""

    id: UUID  # the memberships share it
    kind: str  # kind of the room
    member_count: int  # all members, on all instances; at most about a second old
    cached_count: int = 0  # members who are cached; without one the room is removed


class CachedUser(msgspec.Struct, gc=False):
    """A user who has a socket on this instance, or had one at most a minute ago."""

    user: User  # public profile, as sent to clients
    version: int  # of the user's row when this was read; -1: unknown, compare with the database
    read_version: int  # counts reads and mutes, like the user's row
    # One session, or several.
    _sessions: CachedSession | tuple[CachedSession, ...] = ()
    # One membership, or several by room.
    _memberships: CachedMembership | dict[UUID, CachedMembership] | None = None
    # Rate limit of the user's messages on this instance; None: no message was sent, or there is no limit.
    message_limiter: SingleKeyLimiter | None = None
    # Of stored messages, oldest first, 16 bytes each: 0.5 kB where a dictionary of UUIDs takes 4.5 kB.
    _recent_client_ids: bytes = b""
    socket_count: int = 0  # open sockets on this instance
    loaded: bool = False  # whether `rooms` is complete
    # Monotonic time of the last read or mute that this instance received.
    read_state_changed_at: float = float("-inf")
    change_count: int = 0  # incremented by each signal, so that a slower read detects that it is outdated

    # Memberships.

    @property
    def rooms(self) -> "Memberships":
        """The memberships, by room."""
        return Memberships(self)

    def membership(self, room_id: UUID) -> CachedMembership | None:
        """FAST PATH: return the membership in a room."""
        own = self._memberships
        if isinstance(own, CachedMembership):
            return own if own.room_id == room_id else None
        return own.get(room_id) if own is not None else None

    # Sessions: nearly always one.

    @property
    def sessions(self) -> tuple[CachedSession, ...]:
        """The cached sessions."""
        own = self._sessions
        return own if isinstance(own, tuple) else (own,)

    def session(self, session_id: UUID) -> CachedSession | None:
        """Return a cached session."""
        for each in self.sessions:
            if each.id == session_id:
                return each
        return None

    def add_session(self, authenticated: AuthenticatedSession) -> None:
        """Cache a session, unless it is."""
        if self.session(authenticated.session_id) is None:
            added = CachedSession(authenticated.session_id, authenticated.role, authenticated.created_at)
            self._sessions = (*self.sessions, added) if self._sessions else added

    def end_session(self, session_id: UUID | None) -> None:
        """Forget a session, or all of them."""
        self._sessions = tuple(each for each in self.sessions if session_id not in (None, each.id))

    # Messages.

    def acquire_message(self, rate: Rate | None) -> int:
        """Charge a message at this rate. Return 0, or the milliseconds until one is allowed."""
        if self.message_limiter is None:
            if rate is None:
                return 0
            self.message_limiter = SingleKeyLimiter(rate)
        return self.message_limiter.acquire()

    def refund_message(self) -> None:
        """Undo one charge of a message."""
        if self.message_limiter is not None:
            self.message_limiter.refund()

    def add_recent_client_id(self, client_id: UUID) -> None:
        """Remember the `client_id` of a stored message, so that its immediate repetition is not charged."""
        if not self.has_recent_client_id(client_id):
            kept = self._recent_client_ids[-(MAX_RECENT_CLIENT_IDS - 1) * _ID_BYTES :]
            self._recent_client_ids = kept + client_id.bytes

    def has_recent_client_id(self, client_id: UUID) -> bool:
        """Return whether it is one of the last MAX_RECENT_CLIENT_IDS that were stored."""
        known, wanted = self._recent_client_ids, client_id.bytes
        at = known.find(wanted)
        while at % _ID_BYTES and at != -1:  # across the border of two ids
            at = known.find(wanted, at + 1)
        return at != -1

    def forget_client_ids(self) -> None:
        """Forget all of them, because the history may be another one."""
        self._recent_client_ids = b""


class Memberships(MutableMapping[UUID, CachedMembership]):
    """The memberships of a cached user, by room."""

    __slots__ = ("_user",)

    def __init__(self, user: CachedUser) -> None:
        self._user = user  # has the memberships

    def _all(self) -> dict[UUID, CachedMembership]:
        own = self._user._memberships  # noqa: SLF001 - this is its interface
        if isinstance(own, CachedMembership):
            return {own.room_id: own}
        return own if own is not None else {}

    def __getitem__(self, room_id: UUID) -> CachedMembership:
        found = self._user.membership(room_id)
        if found is None:
            raise KeyError(room_id)
        return found

    def __setitem__(self, room_id: UUID, membership: CachedMembership) -> None:
        memberships = self._all()
        memberships[room_id] = membership
        self._user._memberships = membership if len(memberships) == 1 else memberships  # noqa: SLF001 - likewise

    def __delitem__(self, room_id: UUID) -> None:
        memberships = self._all()
        del memberships[room_id]
        self._user._memberships = memberships or None  # noqa: SLF001 - likewise

    def __iter__(self) -> Iterator[UUID]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())
