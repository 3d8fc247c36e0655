"""Logs which users connect and disconnect."""

import logging

from hubbub.core import clock
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.sockets.connections import Connection

_bounded_log = BoundedLog(logging.getLogger(__name__))


def log_connected(connection: Connection) -> None:
    """Log a socket that received its `ready`."""
    connection.connected_at = clock.monotonic()
    _bounded_log.write("socket connected", **_user_fields(connection))


def log_disconnected(connection: Connection) -> None:
    """Log the end of a connected socket, with the server's close code, or `client` for client or network."""
    seconds = round(clock.monotonic() - connection.connected_at, 1)
    reason = connection.close_code or "client"
    _bounded_log.write("socket disconnected", **_user_fields(connection), reason=reason, seconds=seconds)


def _user_fields(connection: Connection) -> dict[str, object]:
    user = connection.user
    return {"user": user.username, "user_id": str(user.id), "session_id": str(connection.session_id)}
