"""Access tokens that run out while their socket is open: one heap and one loop for all."""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hubbub.core import clock, tasks
from hubbub.realtime.connections import Connection, Connections

if TYPE_CHECKING:
    import asyncio

EXPIRING = timedelta(seconds=60)
EVERY_S = 0.5


class Expiry:
    """Warns a minute before, ends the socket when it is time."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        # (when, what, sid, the expiry it belongs to): a refreshed token leaves old ones behind, passed over.
        self._heap: list[tuple[datetime, str, str, datetime]] = []
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = tasks.spawn(tasks.every(EVERY_S, self.step, name="expiry"), name="expiry")

    async def close(self) -> None:
        await tasks.stop(self._task)

    def watch(self, connection: Connection) -> None:
        """From now on, for its present token."""
        ends = connection.expires_at
        if ends - EXPIRING <= clock.now():
            _warn(connection)
        else:
            heapq.heappush(self._heap, (ends - EXPIRING, "expiring", connection.sid, ends))
        heapq.heappush(self._heap, (ends, "expired", connection.sid, ends))

    async def step(self) -> None:
        """Do what is due."""
        for what, connection in self._due():
            if what == "expiring":
                _warn(connection)
            else:
                connection.emit("auth:expired", {})
                connection.close(
                    "token_expired", "The access token ran out. Get a new one and connect again."
                )

    def _due(self) -> Iterator[tuple[str, Connection]]:
        now = clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, what, sid, ends = heapq.heappop(self._heap)
            connection = self._connections.by_sid.get(sid)
            if connection is not None and connection.expires_at == ends and not connection.gone:
                yield what, connection


def _warn(connection: Connection) -> None:
    connection.emit("auth:expiring", {"expires_at": clock.rfc3339(connection.expires_at)})
