"""When sessions and API keys were last used: kept in memory, written once a minute, not with each request."""

import asyncio
from datetime import datetime
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.services import database

EVERY_S = 60.0
MOST = 50_000  # of each; the rest is noted at their next request
BATCH = 500
LAST_S = 2.0
SESSIONS = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2"
KEYS = "UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)"


class Activity:
    """What was seen since the last writing; `statement` writes one of it."""

    def __init__(self, statement: str = SESSIONS) -> None:
        self._statement = statement
        self._seen: dict[UUID, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin writing once a minute."""
        self._task = tasks.spawn(tasks.every(EVERY_S, self.write, name="activity"), name="activity")

    async def close(self) -> None:
        """Write what is left."""
        await tasks.stop(self._task)
        try:
            async with asyncio.timeout(LAST_S):
                await self.write()
        except Exception:  # noqa: BLE001 - the last minute of it may be lost
            metrics.count("activity_lost")

    def note(self, of: UUID) -> None:
        """This one asked for something now."""
        if len(self._seen) < MOST or of in self._seen:
            self._seen[of] = clock.now()

    def of(self, of: UUID) -> datetime | None:
        """When it was last active, as far as that is not written yet."""
        return self._seen.get(of)

    async def write(self) -> None:
        """One statement for each 500. What can't be written stays for the next time."""
        noted, self._seen = self._seen, {}
        rows = list(noted.items())
        try:
            async with database.transaction() as tx:
                for start in range(0, len(rows), BATCH):
                    await tx.executemany(self._statement, rows[start : start + BATCH])
        except BaseException:
            self._seen = {**noted, **self._seen}
            raise
