"""Packed request bodies (RFC 9110, 8.4): unpacked by us, and never beyond what the route takes.

aiohttp unpacks a body while it reads it, for a client that is not known yet, and a refused one as well.
"""

import zlib

from hubbub.core.errors import TooLarge
from hubbub.http.problems import BadRequest

# Of zlib.decompressobj: which header it expects.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return what a body with this Content-Encoding unpacks to; `most` is in bytes.

    Raises TooLarge, BadRequest.
    """
    name = encoding.strip().lower()
    if name in ("", "identity") or not body:
        return body
    if (window := _WINDOWS.get(name)) is None:
        raise BadRequest("Content-Encoding must be gzip or deflate.")
    decoder = zlib.decompressobj(window)
    try:
        decoded = decoder.decompress(body, max_bytes + 1)
    except zlib.error:
        raise BadRequest(f"The body is not {name}, as its Content-Encoding says.") from None
    if len(decoded) > max_bytes:
        raise TooLarge
    if not decoder.eof or decoder.unused_data:
        raise BadRequest(f"The body is not one whole {name} stream.")
    return decoded
