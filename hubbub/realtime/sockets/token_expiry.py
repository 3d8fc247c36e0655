"""Closes sockets whose access token expires, with one heap and one periodic task for all of them."""

import heapq
from datetime import datetime, timedelta

from hubbub.core import clock, tasks
from hubbub.realtime.sockets.connections import Connection, Connections
from hubbub.schemas.events import AuthExpired, AuthExpiring
from hubbub.schemas.sync.connection import CloseCode

WARNING_PERIOD = timedelta(seconds=60)  # from `auth:expiring` to the expiry
EXPIRY_CHECK_INTERVAL_S = 0.5


class TokenExpiry:
    """Sends `auth:expiring` a minute before the expiry, and closes the socket at the expiry.

    A connection has one entry in the heap, however often its token is renewed. When the entry is due, the
    current token decides what happens, and the entry gets its next time.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections  # the sockets
        self._heap: list[tuple[datetime, str]] = []  # when the socket is due, and its sid
        self._task = tasks.PeriodicTask(self.run_due, name="token expiry", interval_s=EXPIRY_CHECK_INTERVAL_S)

    def __len__(self) -> int:
        return len(self._heap)

    def start(self) -> None:
        self._task.start()

    async def close(self) -> None:
        await self._task.close()

    def watch(self, connection: Connection) -> None:
        """Watch a connection. Called once per connection."""
        self._schedule(connection)

    def renew(self, connection: Connection, expires_at: datetime) -> None:
        """Set the expiry of a new token. A token that expires earlier than the last one changes nothing."""
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
        """Handle the entries that are due."""
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
                CloseCode.TOKEN_EXPIRED, "The access token expired. Get a new one and reconnect."
            )


def _warn_once(connection: Connection) -> None:
    """Send `auth:expiring` once for each expiry."""
    if connection.warned_expires_at != connection.expires_at:
        connection.warned_expires_at = connection.expires_at
        connection.emit(AuthExpiring(expires_at=clock.rfc3339(connection.expires_at)))
