"""Activity of the connected users: who sent something, for all instances."""

from typing import TYPE_CHECKING

from hubbub.core import tasks
from hubbub.core.errors import Unavailable

if TYPE_CHECKING:
    from uuid import UUID

    from hubbub.cluster.presence import Presence

WRITE_INTERVAL_S = 5.0  # of the times, for all instances


class ActivityTracker:
    """Collects which users sent events, and writes it every 5 s to the store that all instances share."""

    def __init__(self, presence: "Presence") -> None:
        self._presence = presence  # the store
        self.users: set[UUID] = set()  # active since the last write
        self.interval = 0  # number of writes so far: a socket adds its user once in each interval
        self._task = tasks.PeriodicTask(self.write, name="activity", interval_s=WRITE_INTERVAL_S)

    def start(self) -> None:
        """Start writing."""
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    async def write(self) -> None:
        """Write who was active. While the store is unavailable, nothing is kept."""
        users, self.users = self.users, set()
        self.interval += 1
        if users:
            try:
                await self._presence.mark_active(users)
            except Unavailable:
                return
