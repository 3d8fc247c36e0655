"""What RFC 6455 says of single octets: masks, close codes, text."""

from aiohttp._websocket.helpers import websocket_mask  # in C; aiohttp is pinned exactly

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
OPCODES = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
PROTOCOL_ERROR, TOO_BIG = 1002, 1009  # close codes (section 7.4.1)
CONTROL_BYTES = 125


class Broken(Exception):
    """Not WebSocket as we speak it; the code of the close frame."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code
        self.why = why


def unmasked(key: bytes, data: bytes) -> bytes:
    """A payload without its mask (section 5.3)."""
    if key == b"\0\0\0\0" or not data:
        return data
    plain = bytearray(data)
    websocket_mask(key, plain)
    return bytes(plain)


def long_length(data: bytes, start: int, form: int) -> int:
    """Read the length of the frame at `start`, in the form 126 or 127 (section 5.2). Raises Broken."""
    if form == 126:  # noqa: PLR2004 - RFC 6455, 5.2
        length = int.from_bytes(data[start + 2 : start + 4], "big")
        shortest = 126
    else:
        length = int.from_bytes(data[start + 2 : start + 10], "big")
        shortest = 65536
    if length < shortest:
        raise Broken(PROTOCOL_ERROR, "a length in a longer form than needed")
    return length


def is_close_code(code: int) -> bool:
    """Whether a close frame may carry it (section 7.4)."""
    return 1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code < 5000  # noqa: PLR2004, RUF021 - RFC 6455, 7.4


def is_utf8(data: bytes) -> bool:
    """Whether a text message may be made of it (section 8.1)."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_head(head: bytes, *, in_message: bool) -> None:
    """Refuse a frame by what is known of its head (section 5.2), before its payload has come.

    `head`: the first two bytes, or as many as there are; `in_message`: whether a message in fragments is
    incomplete. Raises Broken.
    """
    if not head:
        return
    opcode, last = head[0] & 15, head[0] & 128
    if head[0] & 0x70:
        raise Broken(PROTOCOL_ERROR, "reserved bits")
    if opcode not in OPCODES:
        raise Broken(PROTOCOL_ERROR, "no such opcode")
    if opcode >= CLOSE and not last:
        raise Broken(PROTOCOL_ERROR, "a control frame in fragments")
    if opcode < CLOSE and (opcode == CONTINUATION) is not in_message:
        raise Broken(PROTOCOL_ERROR, "not the frame that was due")
    if len(head) > 1:
        _check_length(opcode, head)


def _check_length(opcode: int, head: bytes) -> None:
    if head[1] < 128:  # noqa: PLR2004 - the mask bit
        raise Broken(PROTOCOL_ERROR, "not masked")
    if opcode >= CLOSE and head[1] & 127 > CONTROL_BYTES:
        raise Broken(PROTOCOL_ERROR, "a control frame that is too long")
