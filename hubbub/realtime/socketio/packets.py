"""FAST PATH: Socket.IO 5 packets of clients. Their size is checked first, and events stay text.

Every function takes time linear in the length of a packet.
"""

import json
import re
from array import array
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from hubbub.realtime.engine import ProtocolError

CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
MAX_ATTACHMENTS = 10
MAX_JSON_DEPTH = 100  # nested arrays and objects
MAX_NAMESPACE_CHARS = 200
MAX_PLAIN_NAME_CHARS = 100  # of an event whose name is read without decoding
MAX_ID_DIGITS = 15
MAX_INT_DIGITS = 100  # of a number that is decoded; a longer one would take more than linear time
MAX_CONNECT_BYTES = 32 * 1024  # a token and 500 cursors take 30,000 bytes

RESERVED_EVENT_NAMES = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

# Type, number of attachments, namespace, id. The rest is JSON, which begins with the name in events.
_HEAD = re.compile(
    r"""([0-6])(?:([0-9]{1,3})-)?(?:(/[^,]*)(?:,|\Z))?([0-9]{1,15})?(?=\["([^"\\]{1,100})"|)""", re.DOTALL
)
# A string, also one without an end, so that the search for the next string never begins within one.
_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_DEPTH_STEPS = {ord(each): step for each, step in {"[": 1, "{": 1, "]": 255, "}": 255}.items()}  # 255 is -1
_NO_BRACKETS = bytes(code for code in range(256) if code not in _DEPTH_STEPS)
_TO_DEPTH_STEPS = bytes(_DEPTH_STEPS.get(code, 0) for code in range(256))


class _EventName(msgspec.Struct, array_like=True):
    """An event of which only the name is decoded. The rest is checked to be JSON."""

    name: str


class _MsgpackPacket(msgspec.Struct):
    """The fields of a msgpack packet that are needed to refuse its client."""

    type: int
    nsp: str


_decode_msgpack = msgspec.msgpack.Decoder(_MsgpackPacket).decode
_decode_event_name = msgspec.json.Decoder(_EventName).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode


class Packet(NamedTuple):
    """A packet of which only the head was read."""

    kind: int  # CONNECT to BINARY_ACK
    namespace: str
    id: int | None  # the id of an ack, or of an event that expects one
    attachment_count: int
    text: str  # JSON that is not checked yet
    size: int  # length on the wire, in bytes
    name: str | None  # name of an event, if it can be read without decoding


class ClientEvent:
    """An event of a client: its name, and the JSON text of its arguments, which is decoded later."""

    __slots__ = ("attachments", "checked", "id", "name", "size", "text")

    def __init__(
        self,
        ack_id: int | None,
        name: str,
        text: str | bytes,
        size: int,
        attachments: tuple[bytes, ...] | None = None,
    ) -> None:
        self.id = ack_id  # None: the client expects no ack
        self.name = name
        self.text = text  # JSON array of name and arguments; empty if the event is too large
        self.size = size  # bytes that count against the limit of waiting events
        self.attachments = attachments  # of a binary event
        self.checked = False  # whether `text` is known to be JSON

    @property
    def too_large(self) -> bool:
        """Whether the event exceeds the limit of its namespace."""
        return not self.text

    def check(self) -> None:
        """Check that the text is the JSON of an event, without decoding it. Raises ProtocolError."""
        if not self.checked and self.text:
            _decode_name(self.text)
        self.checked = True

    def compact(self) -> None:
        """Reduce the memory of an event that waits to its size on the wire. Raises ProtocolError."""
        self.check()
        if isinstance(self.text, str):
            self.text = self.text.encode()

    def arguments(self) -> list[Any]:
        """Return the name and the arguments, decoded without a type, with attachments in their places."""
        return decode_arguments(self.text, self.attachments)


def parse(text: str) -> Packet:
    """Read the head of a packet. Raises ProtocolError."""
    head = _HEAD.match(text)
    if head is None:
        raise ProtocolError("no packet")
    namespace = head[3] or "/"
    if "?" in namespace:
        namespace = namespace[: namespace.index("?")]
    if len(namespace) > MAX_NAMESPACE_CHARS:
        raise ProtocolError("namespace too long")
    packet = Packet(
        int(head[1]),
        namespace,
        int(head[4]) if head[4] is not None else None,
        int(head[2] or 0),
        text[head.end() :],
        len(text) if text.isascii() else len(text.encode()),
        head[5],
    )
    if packet.kind != EVENT or head[2] is not None:
        _check_header(packet, with_count=head[2] is not None)
    return packet


def _check_header(packet: Packet, *, with_count: bool) -> None:
    kind = packet.kind
    if (kind in {BINARY_EVENT, BINARY_ACK}) is not with_count:
        raise ProtocolError("unexpected attachment count")
    if packet.attachment_count > MAX_ATTACHMENTS:
        raise ProtocolError("too many attachments")
    if kind in {ACK, BINARY_ACK}:
        if packet.id is None:
            raise ProtocolError("not an ack")
    elif kind == CONNECT:
        if packet.id is not None:
            raise ProtocolError("not a CONNECT")
        if packet.size > MAX_CONNECT_BYTES:
            raise ProtocolError("a CONNECT of more than 32 KiB")
    elif kind == CONNECT_ERROR or (kind == DISCONNECT and packet.text):
        raise ProtocolError("not for a server")


def decode_auth(packet: Packet) -> Any:
    """Return the payload of a CONNECT, None if it has none. Raises ProtocolError."""
    return _decode_value(packet.text) if packet.text else None


def msgpack_namespace(data: bytes) -> str | None:
    """Return the namespace of a CONNECT in msgpack, which hubbub does not support. None: it is no CONNECT."""
    if len(data) > MAX_CONNECT_BYTES:
        return None
    try:
        packet = _decode_msgpack(data)
    except (ValueError, RecursionError):
        return None
    return packet.nsp if packet.type == CONNECT and len(packet.nsp) <= MAX_NAMESPACE_CHARS else None


def read_event(packet: Packet, attachments: tuple[bytes, ...] | None = None) -> ClientEvent:
    """Read an event of which only the name is decoded. Raises ProtocolError for the errors found so far.

    To parse the text only once, `ClientEvent.check` or its decoding finds the other errors.
    """
    text, size = packet.text, packet.size
    check_depth(text)
    if attachments is not None:
        decode_arguments(text, attachments)  # raises for wrong placeholders
        size += sum(map(len, attachments))
    return ClientEvent(packet.id, packet.name or _decode_name(text), text, size, attachments)


def _decode_name(text: str | bytes) -> str:
    """Return the name of an event. All of its text is checked to be JSON. Raises ProtocolError."""
    try:
        return _decode_event_name(text).name
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, ValueError):
        result = _decode_lenient(text.decode() if isinstance(text, bytes) else text)
    if not isinstance(result, list) or not result or not isinstance(result[0], str):
        raise ProtocolError("not an event")
    return result[0]


def oversized_event(packet: Packet) -> ClientEvent:
    """Return an event that is refused for its size. Only its name is kept, if no decoding is needed."""
    return ClientEvent(packet.id, packet.name or "", "", 0)


def check_array(packet: Packet) -> None:
    """Check that a packet carries a JSON array, without decoding it. Raises ProtocolError."""
    check_depth(packet.text)
    try:
        _decode_array(packet.text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, ValueError):
        if not isinstance(_decode_lenient(packet.text), list):
            raise ProtocolError("not an array") from None


def decode_arguments(text: str | bytes, attachments: tuple[bytes, ...] | None = None) -> list[Any]:
    """Decode an array. Attachments replace their placeholders. Raises ProtocolError."""
    result = _decode_value(text.decode() if isinstance(text, bytes) else text)
    if not isinstance(result, list):
        raise ProtocolError("not an array")
    return result if attachments is None else [_fill_placeholders(item, attachments) for item in result]


def _decode_value(text: str) -> Any:
    check_depth(text)
    try:
        return _decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, ValueError):
        return _decode_lenient(text)


def _decode_lenient(text: str) -> Any:
    """Decode what is valid JSON to RFC 8259, but not to msgspec: single surrogates, and numbers out of range.

    The layers above reject both where a field contains them. Raises ProtocolError.
    """
    try:
        return json.loads(text, parse_constant=_reject_constant, parse_int=_parse_int)
    except (ValueError, RecursionError):
        raise ProtocolError("not JSON") from None


def _reject_constant(_: str) -> None:
    raise ValueError


def _parse_int(digits: str) -> float:
    """Return an integer, infinity for one that is longer than any field accepts."""
    return int(digits) if len(digits) <= MAX_INT_DIGITS else float("inf")


def check_depth(text: str) -> None:
    """Refuse JSON that is nested too deep for its decoder. Raises ProtocolError."""
    if len(text) > MAX_JSON_DEPTH and nesting_depth(text) > MAX_JSON_DEPTH:
        raise ProtocolError("too deep")


def nesting_depth(text: str) -> int:
    """Return how deep brackets outside strings are nested, 0 if there are at most MAX_JSON_DEPTH of them."""
    if text.count("[") + text.count("{") <= MAX_JSON_DEPTH:
        return 0
    steps = _STRING.sub("", text).encode("ascii", "replace").translate(_TO_DEPTH_STEPS, _NO_BRACKETS)
    return max(accumulate(array("b", steps)), default=0)


class PartialPacket:
    """A packet that waits for its attachments. Beyond `max_bytes` in all they are counted and not kept."""

    __slots__ = ("_max_bytes", "attachments", "packet", "received", "size")

    def __init__(self, packet: Packet, max_bytes: int) -> None:
        self.packet = packet  # its head and text
        self.attachments: list[bytes] = []  # empty if the packet is too large
        self.received = 0  # number of attachments that were received
        self.size = packet.size  # bytes on the wire so far
        self._max_bytes = max_bytes

    def add(self, attachment: bytes, limit: int) -> bool:
        """Add an attachment. Return whether it was the last one. Raises ProtocolError over `limit` bytes."""
        self.received += 1
        self.size += len(attachment)
        if self.size > limit:
            raise ProtocolError("attachments too long")
        if self.size <= self._max_bytes:
            self.attachments.append(attachment)
        else:
            self.attachments.clear()
        return self.received == self.packet.attachment_count


def _fill_placeholders(data: Any, attachments: tuple[bytes, ...]) -> Any:
    if isinstance(data, list):
        return [_fill_placeholders(item, attachments) for item in data]
    if isinstance(data, dict):
        if data.get("_placeholder") is True:
            number = data.get("num")
            if not isinstance(number, int) or not 0 <= number < len(attachments):
                raise ProtocolError("no such attachment")
            return attachments[number]
        return {key: _fill_placeholders(value, attachments) for key, value in data.items()}
    return data
