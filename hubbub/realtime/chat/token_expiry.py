"""Access tokens that run out while their socket is open: one heap and one loop for all."""

import heapq
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hubbub.core import clock, tasks
from hubbub.realtime.chat.connections import Connection, Connections

if TYPE_CHECKING:
    import asyncio

EXPIRING = timedelta(seconds=60)
EVERY_S = 0.5


class TokenExpiry:
    """Warns a minute before, ends the socket when it is time.

    A connection has one entry in the heap, however often its token is renewed: when it is due, what the
    present token needs is done, and the next time is entered.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._heap: list[tuple[datetime, str]] = []  # when to look at a socket, and its sid
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._heap)

    def start(self) -> None:
        self._task = tasks.spawn(tasks.every(EVERY_S, self.step, name="expiry"), name="expiry")

    async def close(self) -> None:
        await tasks.stop(self._task)

    def watch(self, connection: Connection) -> None:
        """Begin to watch a connection; call it once."""
        self._enter(connection)

    def renewed(self, connection: Connection, expires_at: datetime) -> None:
        """The connection has another token. One that expires earlier than the last one changes nothing."""
        connection.expires_at = max(connection.expires_at, expires_at)
        if connection.expires_at - EXPIRING <= clock.now():
            _warn(connection)

    def _enter(self, connection: Connection) -> None:
        warns_at = connection.expires_at - EXPIRING
        if warns_at <= clock.now():
            _warn(connection)
            heapq.heappush(self._heap, (connection.expires_at, connection.sid))
        else:
            heapq.heappush(self._heap, (warns_at, connection.sid))

    async def step(self) -> None:
        """Do what is due."""
        now = clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, sid = heapq.heappop(self._heap)
            connection = self._connections.by_sid.get(sid)
            if connection is None or connection.gone:
                continue
            if connection.expires_at > now:
                self._enter(connection)
                continue
            connection.emit("auth:expired", {})
            connection.close("token_expired", "The access token ran out. Get a new one and connect again.")


def _warn(connection: Connection) -> None:
    """Announce once for each token that it expires."""
    if connection.warned_of != connection.expires_at:
        connection.warned_of = connection.expires_at
        connection.emit("auth:expiring", {"expires_at": clock.rfc3339(connection.expires_at)})
