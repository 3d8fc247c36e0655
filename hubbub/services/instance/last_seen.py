"""When sessions and API keys were last used: kept in memory, written once a minute, not with each request."""

import asyncio
from datetime import datetime
from itertools import islice
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.db import database
from hubbub.queries.instance import last_seen
from hubbub.queries.instance.last_seen import Column

EVERY_S = 60.0
MOST = 50_000  # of each; the rest is noted at their next request
BATCH = 500
LAST_S = 2.0


class LastSeenTracker:
    """What was seen since the last writing; `column` is where it is written."""

    def __init__(self, column: Column = last_seen.SESSIONS) -> None:
        self._column = column
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
            metrics.count("last_seen_updates_lost")

    def note(self, of: UUID) -> None:
        """This one asked for something now."""
        if len(self._seen) < MOST or of in self._seen:
            self._seen[of] = clock.now()

    def of(self, of: UUID) -> datetime | None:
        """When it was last active, as far as that is not written yet."""
        return self._seen.get(of)

    async def write(self) -> None:
        """Write at most 500 in a transaction. What can't be written now stays for the next time."""
        noted, self._seen = self._seen, {}
        try:
            while noted:
                batch = dict(islice(noted.items(), BATCH))
                async with database.guard():
                    held = await last_seen.write(database.connection(), self._column, batch)
                for row_id in batch:
                    del noted[row_id]
                self._seen = {**{row_id: batch[row_id] for row_id in held}, **self._seen}
        except BaseException:
            self._seen = {**noted, **self._seen}
            raise
