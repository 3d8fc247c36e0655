"""The sessions that ended a moment ago, for connects that are in progress."""

from collections import OrderedDict
from uuid import UUID

from hubbub.core import clock

SESSION_END_TTL_S = 60.0  # longer than a connect may take


class EndedSessions:
    """When sessions, or all sessions of a user, ended."""

    def __init__(self) -> None:
        # By id of a session or user: the monotonic time of its end. The oldest is first, and none is older
        # than SESSION_END_TTL_S.
        self._ended_at: OrderedDict[UUID, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._ended_at)

    def record(self, ended_id: UUID) -> None:
        """Record that a session, or all sessions of a user, ended now."""
        now = clock.monotonic()
        self._ended_at[ended_id] = now
        self._ended_at.move_to_end(ended_id)
        while now - next(iter(self._ended_at.values())) >= SESSION_END_TTL_S:
            self._ended_at.popitem(last=False)

    def any_since(self, since: float, *ids: UUID) -> bool:
        """Return whether a session or user with one of these ids ended since a monotonic time."""
        return any(self._ended_at.get(each, 0.0) >= since for each in ids)
