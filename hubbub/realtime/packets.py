"""FAST PATH: what clients send, read strictly: Socket.IO 5 packets, and their binary parts."""

import json
import re
from typing import Any, NamedTuple

import msgspec

from hubbub.realtime.engine import Malformed

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
ATTACHMENTS = 10
DEPTH = 100  # of JSON within JSON
NAMESPACE_LENGTH = 200

# Type, attachments, namespace, id; the rest is JSON.
_HEAD = re.compile(r"([0-6])(?:([0-9]{1,3})-)?(?:(/[^,]*)(?:,|\Z))?([0-9]{1,15})?", re.DOTALL)
_decode = msgspec.json.Decoder().decode
RESERVED = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)


class Packet(NamedTuple):
    """A packet; `data` of binary ones has placeholders until `complete`."""

    kind: int
    namespace: str
    id: int | None
    data: Any
    attachments: int
    size: int


def parse(text: str) -> Packet:
    """Read a packet. Raises Malformed."""
    head = _HEAD.match(text)
    if head is None:
        raise Malformed("no packet")
    kind = int(head[1])
    namespace = head[3] or "/"
    if "?" in namespace:
        namespace = namespace[: namespace.index("?")]
    if len(namespace) > NAMESPACE_LENGTH:
        raise Malformed("namespace too long")
    data = _json(text, head.end())
    ack_id = int(head[4]) if head[4] is not None else None
    packet = Packet(kind, namespace, ack_id, data, int(head[2] or 0), len(text))
    _check(packet, with_count=head[2] is not None)
    return packet


def _json(text: str, start: int) -> Any:
    if start == len(text):
        return None
    rest = text[start:]
    if rest.count("[") + rest.count("{") > DEPTH and _depth(rest) > DEPTH:
        raise Malformed("too deep")
    try:
        return _decode(rest)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return _lenient(rest)


def _lenient(text: str) -> Any:
    """JSON with halves of surrogate pairs in escapes: it is JSON, and the layers above refuse it politely."""
    if "\\ud" not in text.lower():
        raise Malformed("not JSON")
    try:
        return json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None


def _no_json(_: str) -> None:
    raise ValueError


def _depth(text: str) -> int:
    """How deep brackets are nested; those inside of strings don't count."""
    depth = deepest = 0
    for bracket in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text, re.DOTALL):
        if bracket in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif bracket in "]}":
            depth -= 1
    return deepest


def _check(packet: Packet, *, with_count: bool) -> None:
    kind, data = packet.kind, packet.data
    binary = kind in {BINARY_EVENT, BINARY_ACK}
    if binary is not with_count:
        raise Malformed("attachments where there are none")
    if packet.attachments > ATTACHMENTS:
        raise Malformed("too many attachments")
    if kind in {EVENT, BINARY_EVENT}:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise Malformed("not an event")
    elif kind in {ACK, BINARY_ACK}:
        if not isinstance(data, list) or packet.id is None:
            raise Malformed("not an ack")
    elif kind == CONNECT:
        if packet.id is not None:
            raise Malformed("not a CONNECT")
    elif kind == CONNECT_ERROR or data is not None:
        raise Malformed("not for a server")


class Partial:
    """A packet that waits for its binary parts."""

    __slots__ = ("packet", "parts", "size")

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self.parts: list[bytes] = []
        self.size = packet.size

    def add(self, part: bytes, limit: int) -> Packet | None:
        """One more part; the whole packet with the last one. Raises Malformed."""
        self.parts.append(part)
        self.size += len(part)
        if self.size > limit:
            raise Malformed("attachments too long")
        return self.whole() if len(self.parts) == self.packet.attachments else None

    def whole(self) -> Packet:
        """The packet with its parts in their places. Raises Malformed."""
        data = _filled(self.packet.data, self.parts)
        if not isinstance(data[0], str) and self.packet.kind == BINARY_EVENT:
            raise Malformed("not an event")
        return self.packet._replace(data=data, size=self.size)


def _filled(data: Any, parts: list[bytes]) -> Any:
    if isinstance(data, list):
        return [_filled(item, parts) for item in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            number = data.get("num")
            if not isinstance(number, int) or not 0 <= number < len(parts):
                raise Malformed("no such attachment")
            return parts[number]
        return {key: _filled(value, parts) for key, value in data.items()}
    return data
