"""What RFC 6455 says of single octets: masks, close codes, text."""

from aiohttp._websocket.helpers import websocket_mask  # in C; aiohttp is pinned exactly


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
