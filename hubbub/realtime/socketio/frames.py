"""FAST PATH: Socket.IO packets that the server sends, encoded once for all recipients."""

import msgspec

from hubbub.realtime.engine import Frame, join_frames
from hubbub.realtime.engine.packets import message_frame as message_of
from hubbub.schemas.base import encode
from hubbub.schemas.events import OutgoingEvent

__all__ = [
    "Frame",
    "ack",
    "ack_result",
    "coalesce",
    "connect",
    "connect_error",
    "disconnect",
    "encode_event",
    "event",
    "join_frames",
    "msgpack_connect_error",
]

MAX_JOINED_BYTES = 64 * 1024  # of one joined frame


def _text_frame(text: str) -> Frame:
    return Frame(b"4" + text.encode())


def event(namespace: str, name: str, payload: str) -> Frame:
    """Encode an event. `name` is from a closed list and needs no escaping. `payload` is JSON text."""
    return _text_frame(f'2{namespace},["{name}",{payload}]')


def encode_event(namespace: str, event_struct: OutgoingEvent) -> Frame:
    """Return the frame of an event of the server."""
    return event(namespace, event_struct.event_name, encode(event_struct).decode())


def ack(namespace: str, ack_id: int, payload: object) -> Frame:
    """Encode the ack of the client's event `ack_id`."""
    return Frame(b"43%b,%d[%b]" % (namespace.encode(), ack_id, encode(payload)))


def ack_result(namespace: str, ack_id: int, data: bytes) -> Frame:
    """Encode the ack of a successful operation. `data` is JSON text."""
    return Frame(b'43%b,%d[{"ok":true,"data":%b}]' % (namespace.encode(), ack_id, data))


def connect(namespace: str, sid: str) -> Frame:
    """Encode the CONNECT that accepts a client in a namespace."""
    return _text_frame(f'0{_prefix(namespace)}{{"sid":"{sid}"}}')


def connect_error(namespace: str, payload: object) -> Frame:
    """Encode the CONNECT_ERROR that refuses a client in a namespace."""
    return _text_frame(f"4{_prefix(namespace)}{encode(payload).decode()}")


def msgpack_connect_error(namespace: str, message: str) -> Frame:
    """Encode a CONNECT_ERROR that a client with the msgpack parser can read."""
    packet = {"type": 4, "nsp": namespace, "data": {"message": message}}
    return message_of(msgspec.msgpack.encode(packet))


def disconnect(namespace: str) -> Frame:
    """Encode the DISCONNECT of a namespace. A stock client does not reconnect after it."""
    return _text_frame(f"1{_prefix(namespace)}")


def coalesce(frames: list[Frame]) -> list[Frame]:
    """Join frames up to MAX_JOINED_BYTES, so that a slow consumer is still detected in time."""
    if len(frames) == 1:
        return frames
    groups: list[list[Frame]] = []
    size = MAX_JOINED_BYTES
    for frame in frames:
        if size + frame.size > MAX_JOINED_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(frame)
        size += frame.size
    return [group[0] if len(group) == 1 else join_frames(group) for group in groups]


def _prefix(namespace: str) -> str:
    return "" if namespace == "/" else f"{namespace},"
