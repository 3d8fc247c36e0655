"""The parts of RFC 6455 below a message: opcodes, masks, headers of frames, close codes, UTF-8."""

from enum import IntEnum

from aiohttp._websocket.helpers import websocket_mask  # in C; aiohttp is pinned exactly

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
MAX_CONTROL_BYTES = 125


class CloseCode(IntEnum):
    """Close codes that this server sends (section 7.4.1)."""

    NORMAL_CLOSURE = 1000
    PROTOCOL_ERROR = 1002
    INVALID_UTF8 = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009


class WebSocketError(Exception):
    """A violation of RFC 6455 by the client, with the code of the close frame that follows."""

    def __init__(self, close_code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.close_code = close_code
        self.reason = reason  # for the log


def unmask(key: bytes, data: bytes) -> bytes:
    """Return a payload without its mask (section 5.3)."""
    if key == b"\0\0\0\0" or not data:
        return data
    unmasked = bytearray(data)
    websocket_mask(key, unmasked)
    return bytes(unmasked)


def read_extended_length(data: bytes, start: int, length_code: int) -> int:
    """Read the length of the frame at `start`, in the form 126 or 127 (section 5.2).

    Raises WebSocketError.
    """
    if length_code == 126:  # noqa: PLR2004 - RFC 6455, 5.2
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        min_length = 126
    else:
        length = int.from_bytes(data[start + 2 : start + 10], "big")
        min_length = 65536
    if length < min_length:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a length in a longer form than needed")
    return length


def is_close_code(code: int) -> bool:
    """Return whether a close frame may carry a code (section 7.4)."""
    return 1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code < 5000  # noqa: PLR2004, RUF021 - RFC 6455, 7.4


def is_utf8(data: bytes) -> bool:
    """Return whether bytes are valid in a text message (section 8.1)."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_header(header: bytes, *, in_message: bool) -> None:
    """Refuse a frame by the beginning of its header (section 5.2), before its payload is received.

    `header`: the first two bytes, or as many as there are. `in_message`: whether a message in fragments is
    incomplete. Raises WebSocketError.
    """
    if not header:
        return
    opcode, fin = header[0] & 15, header[0] & 128
    if header[0] & 0x70:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "reserved bits")
    if opcode not in OPCODES:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "unknown opcode")
    if opcode >= CLOSE and not fin:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a control frame in fragments")
    if opcode < CLOSE and (opcode == CONTINUATION) is not in_message:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "an unexpected frame")
    if len(header) > 1:
        _check_length(opcode, header)


def _check_length(opcode: int, header: bytes) -> None:
    if header[1] < 128:  # noqa: PLR2004 - the mask bit
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "not masked")
    if opcode >= CLOSE and header[1] & 127 > MAX_CONTROL_BYTES:
        raise WebSocketError(CloseCode.PROTOCOL_ERROR, "a control frame that is too long")
