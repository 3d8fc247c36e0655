"""FAST PATH: Engine.IO packets, encoded once for all recipients, for both transports."""

import base64
import binascii
from collections.abc import Iterable, Iterator

import msgspec

SEPARATOR = b"\x1e"
FIN_TEXT, FIN_BINARY = 0x81, 0x82
PACKET_TYPES = "0123456"
_SHORT_TEXT_HEADERS = tuple(bytes((FIN_TEXT, size)) for size in range(126))  # RFC 6455, 5.2


class ProtocolError(ValueError):
    """A violation of the protocol by the client."""


def frame_header(opcode: int, size: int) -> bytes:
    """Return the header of a whole, unmasked WebSocket frame."""
    if size < 126:  # noqa: PLR2004 - RFC 6455, 5.2
        return bytes((opcode, size))
    if size < 65536:  # noqa: PLR2004 - likewise
        return bytes((opcode, 126)) + size.to_bytes(2, "big")
    return bytes((opcode, 127)) + size.to_bytes(8, "big")


class Frame:
    """One encoded packet, or several in a row. All recipients get the same object."""

    __slots__ = ("_packets", "size", "wire")

    def __init__(self, data: bytes, opcode: int = FIN_TEXT) -> None:
        size = len(data)
        if size < 126 and opcode == FIN_TEXT:  # noqa: PLR2004 - RFC 6455, 5.2
            header = _SHORT_TEXT_HEADERS[size]
        else:
            header = frame_header(opcode, size)
        self.wire = header + data  # the WebSocket frames, with their headers
        self.size = len(header) + size  # bytes
        self._packets: tuple[Frame, ...] | None = None  # the single packets; None: this is one

    def packets(self) -> "tuple[Frame, ...]":
        """Return the single packets."""
        return self._packets or (self,)

    def polling_payload(self) -> bytes:
        """Return a single packet as a part of a polling payload."""
        length_code = self.wire[1]
        data = self.wire[2 if length_code < 126 else 4 if length_code == 126 else 10 :]  # noqa: PLR2004 - as in `frame_header`
        return data if self.wire[0] == FIN_TEXT else b"b" + base64.b64encode(data)


def join_frames(frames: Iterable[Frame]) -> Frame:
    """Join several packets into one frame, once for all recipients."""
    packets = tuple(packet for frame in frames for packet in frame.packets())
    result = Frame.__new__(Frame)
    result.wire = b"".join([packet.wire for packet in packets])
    result.size = len(result.wire)
    result._packets = packets  # noqa: SLF001 - a constructor
    return result


def text_frame(packet: str) -> Frame:
    """Encode a text packet, which begins with its type."""
    return Frame(packet.encode())


def message_frame(data: str | bytes) -> Frame:
    """Encode a message: text or binary."""
    if isinstance(data, str):
        return Frame(b"4" + data.encode())
    return Frame(bytes(data), FIN_BINARY)


def open_packet(
    sid: str, upgrades: list[str], ping_interval: float, ping_timeout: float, max_payload: int
) -> Frame:
    """Return the first packet of a session. Intervals are in seconds; the packet has milliseconds."""
    payload = {
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": round(ping_interval * 1000),
        "pingTimeout": round(ping_timeout * 1000),
        "maxPayload": max_payload,
    }
    return Frame(b"0" + msgspec.json.encode(payload))


PING, NOOP, CLOSE, PROBE = text_frame("2"), text_frame("6"), text_frame("1"), text_frame("3probe")


def encode(frames: Iterable[Frame]) -> bytes:
    """Return the body of the response to a poll."""
    return SEPARATOR.join([frame.polling_payload() for frame in frames])


def decode(body: bytes) -> Iterator[str | bytes]:
    """Yield the packets of a POST: text that begins with its type, or the bytes of a binary message.

    Raises ProtocolError at a packet that cannot be decoded, after the packets before it were yielded.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise ProtocolError("not UTF-8") from None
    start = 0
    while start <= len(text):
        end = text.find("\x1e", start)
        if end < 0:
            end = len(text)
        yield _packet(text[start:end])
        start = end + 1


def _packet(packet: str) -> str | bytes:
    if packet[:1] == "b":
        try:
            return base64.b64decode(packet[1:], validate=True)
        except (binascii.Error, ValueError):
            raise ProtocolError("not base64") from None
    if packet and packet[0] in PACKET_TYPES:
        return packet
    raise ProtocolError("not a packet")
