"""Compressed request bodies (RFC 9110, 8.4), decompressed up to the limit of the route.

aiohttp decompresses a body while it reads it: also of a client that is not authenticated yet, and also of a
request that is then refused.
"""

import zlib

from hubbub.core.errors import TooLarge
from hubbub.http.problems import BadRequest

# `wbits` of zlib.decompressobj, by the header that it expects.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body of a request with this Content-Encoding.

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
        raise BadRequest(f"The body is not {name}, although its Content-Encoding says so.") from None
    if len(decoded) > max_bytes:
        raise TooLarge
    if not decoder.eof or decoder.unused_data:
        raise BadRequest(f"The body is not one whole {name} stream.")
    return decoded
