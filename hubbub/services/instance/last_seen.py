"""Last seen: buffers when sessions and API keys were last used, and writes it once a minute."""

import asyncio
from datetime import datetime
from itertools import islice
from uuid import UUID

from hubbub.core import clock, metrics, tasks
from hubbub.db import database
from hubbub.queries.instance import last_seen
from hubbub.queries.instance.last_seen import Column

WRITE_INTERVAL_S = 60.0
MAX_TRACKED_KEYS = 50_000  # of each column; more are recorded at their next request
WRITE_BATCH_ROWS = 500
CLOSE_TIMEOUT_S = 2.0


class LastSeenTracker:
    """Last use of the rows of one column since the last write."""

    def __init__(self, column: Column = last_seen.SESSIONS) -> None:
        self._column = column  # the column that is written
        self._unwritten: dict[UUID, datetime] = {}  # time of last use by row id
        # Writes once a minute.
        self._task = tasks.PeriodicTask(self.write, name="last seen", interval_s=WRITE_INTERVAL_S)

    def start(self) -> None:
        """Start writing once a minute."""
        self._task.start()

    async def close(self) -> None:
        """Write the remaining times, within 2 s; they are lost if the database does not respond."""
        await self._task.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.write()
        except Exception:  # noqa: BLE001 - the times of the last minute may be lost
            metrics.count("last_seen_updates_lost")

    def record(self, row_id: UUID) -> None:
        """Record that a row is used now."""
        if len(self._unwritten) < MAX_TRACKED_KEYS or row_id in self._unwritten:
            self._unwritten[row_id] = clock.now()

    def get(self, row_id: UUID) -> datetime | None:
        """Return the unwritten time of last use, or None."""
        return self._unwritten.get(row_id)

    async def write(self) -> None:
        """Write the recorded times, at most 500 in a transaction.

        Times that could not be written are kept.
        """
        unwritten, self._unwritten = self._unwritten, {}
        try:
            while unwritten:
                batch = dict(islice(unwritten.items(), WRITE_BATCH_ROWS))
                async with database.guard():
                    locked = await last_seen.write(database.connection(), self._column, batch)
                for row_id in batch:
                    del unwritten[row_id]
                self._unwritten = {**{row_id: batch[row_id] for row_id in locked}, **self._unwritten}
        except BaseException:
            self._unwritten = {**unwritten, **self._unwritten}
            raise
