"""The cached state of a session, and since when its sockets are disconnected."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec

from hubbub.core import clock
from hubbub.schemas.users.users import User


class AuthenticatedSession(NamedTuple):
    """The result of an authentication, valid until `expires_at`.

    The other fields are as the database has them.
    """

    user: User  # public profile
    session_id: UUID
    role: str  # of the user, on the server
    expires_at: datetime
    created_at: datetime  # when the session was created
    version: int = 0  # of the user's row
    read_version: int = 0  # counts reads and mutes


class Disconnection(NamedTuple):
    """Since when a socket was disconnected, and whether the user read or muted anything meanwhile."""

    since: datetime
    read_state_changed: bool


class CachedSession(msgspec.Struct, gc=False):
    """A session of a cached user."""

    id: UUID  # its sockets share it
    role: str  # of the user, on the server
    created_at: datetime  # when the session was created
    disconnected_sockets: int = 0  # sockets that disconnected and have not reconnected
    disconnected_at: float | None = None  # monotonic time at which the first of them disconnected

    def record_disconnect(self) -> None:
        """Record that one of its sockets disconnected."""
        self.disconnected_sockets += 1
        self.disconnected_at = self.disconnected_at or clock.monotonic()

    def record_reconnect(self, read_state_changed_at: float) -> Disconnection:
        """Record that a socket reconnected. Returns what it may have missed.

        `read_state_changed_at` is the monotonic time of the user's last read or mute. Of several disconnected
        sockets, the one that disconnected first is assumed: a client may receive too much, but misses
        nothing.
        """
        disconnected_at = self.disconnected_at
        self.disconnected_sockets = max(0, self.disconnected_sockets - 1)
        if self.disconnected_sockets == 0:
            self.disconnected_at = None
        if disconnected_at is None:  # it was connected to another instance, or long ago
            return Disconnection(self.created_at, read_state_changed=True)
        duration = timedelta(seconds=clock.monotonic() - disconnected_at)
        return Disconnection(
            clock.now() - duration, read_state_changed=read_state_changed_at >= disconnected_at
        )
