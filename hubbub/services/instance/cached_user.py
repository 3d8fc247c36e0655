"""The cached state of one user: memberships, sessions and rate limits."""

from dataclasses import dataclass, field
from uuid import UUID

from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.schemas.users.users import User
from hubbub.services.instance.session_cache import CachedSession

MAX_RECENT_CLIENT_IDS = 64  # of a user; older ones are looked up in the database


@dataclass(slots=True)
class CachedMembership:
    """A user's membership in a room, as of the room's `version`."""

    room_id: UUID
    kind: str  # kind of the room
    role: str  # role of the user in the room
    muted: bool  # whether the user muted the room
    version: int  # `member_version` of the room when this was read; compared when a message is stored
    joined_seq: int = 0  # `seq` of the entry that began the membership


@dataclass(slots=True)
class CachedRoom:
    """A room that has at least one cached member."""

    kind: str  # kind of the room
    member_count: int  # all members, on all instances; at most about a second old
    users: set[UUID] = field(default_factory=set)  # the cached members


@dataclass(slots=True)
class CachedUser:
    """A user who has a socket on this instance, or had one at most a minute ago."""

    user: User  # public profile, as sent to clients
    message_limiter: SingleKeyLimiter  # rate limit of the user's messages on this instance
    version: int  # of the user's row when this was read; -1: unknown, compare with the database
    read_version: int  # counts reads and mutes, like the user's row
    rooms: dict[UUID, CachedMembership] = field(default_factory=dict)  # memberships by room
    # Of stored messages, oldest first; a repetition of one is not charged.
    recent_client_ids: dict[UUID, None] = field(default_factory=dict)
    sessions: dict[UUID, CachedSession] = field(default_factory=dict)  # sessions by id
    socket_count: int = 0  # open sockets on this instance
    loaded: bool = False  # whether `rooms` is complete
    # Monotonic time of the last read or mute that this instance received.
    read_state_changed_at: float = float("-inf")
    change_count: int = 0  # incremented by each signal, so that a slower read detects that it is outdated

    def add_recent_client_id(self, client_id: UUID) -> None:
        """Remember the `client_id` of a stored message, so that its immediate repetition is not charged."""
        self.recent_client_ids[client_id] = None
        if len(self.recent_client_ids) > MAX_RECENT_CLIENT_IDS:
            del self.recent_client_ids[next(iter(self.recent_client_ids))]
