"""What an operator asks about first: which users connect and disconnect."""

import logging

from hubbub.core import clock
from hubbub.ratelimit.bounded_log import BoundedLog
from hubbub.realtime.chat.connections import Connection

_bounded_log = BoundedLog(logging.getLogger(__name__))


def log_connected(connection: Connection) -> None:
    """A socket received its `ready`."""
    connection.connected_at = clock.monotonic()
    _bounded_log.write("socket connected", **_user_fields(connection))


def log_disconnected(connection: Connection) -> None:
    """A socket that was connected is closed: with a close code of the server, or by its client or network."""
    seconds = round(clock.monotonic() - connection.connected_at, 1)
    reason = connection.close_code or "client"
    _bounded_log.write("socket disconnected", **_user_fields(connection), reason=reason, seconds=seconds)


def _user_fields(connection: Connection) -> dict[str, object]:
    user = connection.user
    return {"user": user.username, "user_id": str(user.id), "session_id": str(connection.session_id)}
