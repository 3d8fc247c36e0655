"""What an operator asks about first: which users connect and disconnect."""

import logging

from hubbub.core import clock
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.chat.connections import Connection

_lines = BoundedLog(logging.getLogger(__name__))


def connected(connection: Connection) -> None:
    """A socket received its `ready`."""
    connection.connected_at = clock.monotonic()
    _lines.write("socket connected", **_names(connection))


def disconnected(connection: Connection) -> None:
    """A socket that was connected is closed: with a close code of the server, or by its client or network."""
    seconds = round(clock.monotonic() - connection.connected_at, 1)
    reason = connection.close_code or "client"
    _lines.write("socket disconnected", **_names(connection), reason=reason, seconds=seconds)


def _names(connection: Connection) -> dict[str, object]:
    user = connection.user
    return {"user": user.username, "user_id": str(user.id), "session_id": str(connection.session_id)}
