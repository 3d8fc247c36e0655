"""Access tokens that run out while their socket is open: one heap and one loop for all."""

import heapq
from datetime import datetime, timedelta

from hubbub.core import clock, tasks
from hubbub.realtime.chat.connections import Connection, Connections
from hubbub.schemas.events import AuthExpired, AuthExpiring
from hubbub.schemas.sync.connection import CloseCode

WARNING_PERIOD = timedelta(seconds=60)
EXPIRY_CHECK_INTERVAL_S = 0.5


class TokenExpiry:
    """Warns a minute before, ends the socket when it is time.

    A connection has one entry in the heap, however often its token is renewed: when it is due, what the
    present token needs is done, and the next time is entered.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._heap: list[tuple[datetime, str]] = []  # when to look at a socket, and its sid
        self._task = tasks.PeriodicTask(self.run_due, name="token expiry", interval_s=EXPIRY_CHECK_INTERVAL_S)

    def __len__(self) -> int:
        return len(self._heap)

    def start(self) -> None:
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    def watch(self, connection: Connection) -> None:
        """Begin to watch a connection; call it once."""
        self._schedule(connection)

    def renew(self, connection: Connection, expires_at: datetime) -> None:
        """The connection has another token. One that expires earlier than the last one changes nothing."""
        connection.expires_at = max(connection.expires_at, expires_at)
        if connection.expires_at - WARNING_PERIOD <= clock.now():
            _warn_once(connection)

    def _schedule(self, connection: Connection) -> None:
        warns_at = connection.expires_at - WARNING_PERIOD
        if warns_at <= clock.now():
            _warn_once(connection)
            heapq.heappush(self._heap, (connection.expires_at, connection.sid))
        else:
            heapq.heappush(self._heap, (warns_at, connection.sid))

    async def run_due(self) -> None:
        """Do what is due."""
        now = clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, sid = heapq.heappop(self._heap)
            connection = self._connections.by_sid.get(sid)
            if connection is None or connection.closed:
                continue
            if connection.expires_at > now:
                self._schedule(connection)
                continue
            connection.emit(AuthExpired())
            connection.close(
                CloseCode.TOKEN_EXPIRED, "The access token ran out. Get a new one and connect again."
            )


def _warn_once(connection: Connection) -> None:
    """Announce once for each token that it expires."""
    if connection.warned_expires_at != connection.expires_at:
        connection.warned_expires_at = connection.expires_at
        connection.emit(AuthExpiring(expires_at=clock.rfc3339(connection.expires_at)))
