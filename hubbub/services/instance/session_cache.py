"""A session as an instance remembers it: who was let in, and for how long a socket of theirs was away."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.schemas.users.users import User


class AuthenticatedSession(NamedTuple):
    """Somebody who may come in, until `expires_at`; the rest as the database had it in that moment."""

    user: User
    session_id: UUID
    role: str
    expires_at: datetime
    created_at: datetime  # when the session did
    version: int = 0
    read_version: int = 0


class Disconnection(NamedTuple):
    """How long a socket was away: `since` then, and whether the user read or muted anything meanwhile."""

    since: datetime
    read_state_changed: bool


@dataclass(slots=True)
class CachedSession:
    """A session of a resident. `left_at` is when the first of its sockets that are `away` left."""

    role: str
    created_at: datetime
    disconnected_sockets: int = 0
    disconnected_at: float | None = None

    def record_disconnect(self) -> None:
        """One of its sockets is gone."""
        self.disconnected_sockets += 1
        self.disconnected_at = self.disconnected_at or clock.monotonic()

    def record_reconnect(self, read_state_changed_at: float) -> Disconnection:
        """One of them is back; its user last read or muted something at `marked_at`.

        Of several that are away, it is taken for the one that left first: better told too much.
        """
        disconnected_at = self.disconnected_at
        self.disconnected_sockets = max(0, self.disconnected_sockets - 1)
        if self.disconnected_sockets == 0:
            self.disconnected_at = None
        if disconnected_at is None:  # it left another instance, or long ago
            return Disconnection(self.created_at, read_state_changed=True)
        duration = timedelta(seconds=clock.monotonic() - disconnected_at)
        return Disconnection(
            clock.now() - duration, read_state_changed=read_state_changed_at >= disconnected_at
        )
