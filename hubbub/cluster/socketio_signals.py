"""python-socketio's `emit` and its other calls as signals for all instances."""

import re
from collections.abc import Iterable
from uuid import UUID

from hubbub.cluster.bus import RoomHint, Signal, UserHint

CHAT_NAMESPACE = "/chat"
USER_ROOM_PREFIX = "user:"
SOCKETS_TOPIC = "sockets"  # for signals that concern no known room or user; all instances subscribe to it

_EVENT_NAME = re.compile(r"[\w:.\-]{1,100}", re.ASCII)


class Emitted(Signal, frozen=True):
    """An event for the sockets of a namespace in one of `rooms` (a sid is a room), or (None) for all."""

    event: str
    data: list[object]
    namespace: str
    rooms: tuple[str, ...] | None
    skip: tuple[str, ...]
    topic: str = SOCKETS_TOPIC


class Disconnected(Signal, frozen=True):
    """A socket is to be disconnected from a namespace."""

    sid: str
    namespace: str
    topic: str = SOCKETS_TOPIC


class RoomEntered(Signal, frozen=True):
    """A socket enters a room of python-socketio, or leaves it (`left`)."""

    sid: str
    namespace: str
    room: str
    left: bool = False
    topic: str = SOCKETS_TOPIC


class RoomClosed(Signal, frozen=True):
    """All sockets leave a room of python-socketio."""

    namespace: str
    room: str
    topic: str = SOCKETS_TOPIC


def to_signals(
    event: str,
    data: object,
    namespace: str | None,
    room: str | Iterable[str] | None,
    skip_sid: str | Iterable[str] | None,
) -> list[Signal]:
    """Return the signals of an `emit` with python-socketio's parameters.

    On `/chat` a room may be the id of a room, or `user:` and the id of a user. Then only the instances with
    its members, or with the user, receive the signal, and `data` is one JSON object. Raises ValueError.
    """
    namespace = namespace or "/"
    rooms = None if room is None else (room,) if isinstance(room, str) else tuple(room)
    skip = () if skip_sid is None else (skip_sid,) if isinstance(skip_sid, str) else tuple(skip_sid)
    if namespace == CHAT_NAMESPACE and not _EVENT_NAME.fullmatch(event):
        raise ValueError("an event of /chat is named by letters, digits, and _ : . -")
    signals: list[Signal] = []
    socketio_rooms = []
    for room_name in rooms or ():
        hint = _to_hint(event, data, room_name, skip) if namespace == CHAT_NAMESPACE else None
        if hint is None:
            socketio_rooms.append(room_name)
        else:
            signals.append(hint)
    if rooms is None or socketio_rooms:
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        signals.append(Emitted(event, arguments, namespace, tuple(socketio_rooms) if rooms else None, skip))
    return signals


def _to_hint(event: str, data: object, room: str, skip: tuple[str, ...]) -> RoomHint | UserHint | None:
    is_user = room.startswith(USER_ROOM_PREFIX)
    try:
        target_id = UUID(room.removeprefix(USER_ROOM_PREFIX))
    except ValueError:
        return None
    payload = {} if data is None else data
    if not isinstance(payload, dict):
        raise ValueError("an event of /chat carries one JSON object")  # noqa: TRY004 - what python-socketio raises
    if not is_user:
        return RoomHint(target_id, event, payload, skip_sockets=skip)
    if len(skip) > 1:
        raise ValueError("one socket of a user can be skipped")
    return UserHint(target_id, event, payload, skip[0] if skip else None)
