"""One user as an instance remembers them: rooms with the user's place in them, sessions, and limits."""

from dataclasses import dataclass, field
from uuid import UUID

from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.schemas.users.users import User
from hubbub.services.instance.session_cache import CachedSession

MAX_RECENT_CLIENT_IDS = 64


@dataclass(slots=True)
class CachedMembership:
    """What a user is in a room, at the room's `version`, by the membership that began with entry `since`."""

    room_id: UUID
    kind: str
    role: str
    muted: bool
    version: int
    joined_seq: int = 0


@dataclass(slots=True)
class CachedRoom:
    """What is known of a room in which a resident is."""

    kind: str
    member_count: int
    users: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class CachedUser:
    """A user with a socket here, or with one until a moment ago."""

    user: User
    message_limiter: SingleKeyLimiter
    version: int  # of the user's row, as of what is known here; likewise `marks`
    read_version: int
    rooms: dict[UUID, CachedMembership] = field(default_factory=dict)
    recent_client_ids: dict[UUID, None] = field(default_factory=dict)  # client_ids, the oldest first
    sessions: dict[UUID, CachedSession] = field(default_factory=dict)
    socket_count: int = 0
    loaded: bool = False  # whether `rooms` is complete
    read_state_changed_at: float = float(
        "-inf"
    )  # when the user last read or muted something, as far as is known here
    change_count: int = 0  # counts what signals changed, so that a slower reading can tell that it is old

    def add_recent_client_id(self, client_id: UUID) -> None:
        """A message with this `client_id` was stored: asked again at once, it costs nothing."""
        self.recent_client_ids[client_id] = None
        if len(self.recent_client_ids) > MAX_RECENT_CLIENT_IDS:
            del self.recent_client_ids[next(iter(self.recent_client_ids))]
