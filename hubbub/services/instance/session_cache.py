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
    began_at: datetime  # when the session did
    version: int = 0
    marks: int = 0


class Absence(NamedTuple):
    """How long a socket was away: `since` then, and whether the user read or muted anything meanwhile."""

    since: datetime
    marked: bool


@dataclass(slots=True)
class CachedSession:
    """A session of a resident. `left_at` is when the first of its sockets that are `away` left."""

    role: str
    began_at: datetime
    away: int = 0
    left_at: float | None = None

    def left(self) -> None:
        """One of its sockets is gone."""
        self.away += 1
        self.left_at = self.left_at or clock.monotonic()

    def came_back(self, marked_at: float) -> Absence:
        """One of them is back; its user last read or muted something at `marked_at`.

        Of several that are away, it is taken for the one that left first: better told too much.
        """
        left_at = self.left_at
        self.away = max(0, self.away - 1)
        if self.away == 0:
            self.left_at = None
        if left_at is None:  # it left another instance, or long ago
            return Absence(self.began_at, marked=True)
        seconds = timedelta(seconds=clock.monotonic() - left_at)
        return Absence(clock.now() - seconds, marked=marked_at >= left_at)
