"""Compressed request bodies (RFC 9110, 8.4), decompressed up to the limit of the route.

aiohttp decompresses a body while it reads it: also of a client that is not authenticated yet, and also of a
request that is then refused.
"""

import zlib
from collections.abc import Iterator

from hubbub.core.errors import TooLarge
from hubbub.http.problems import BadRequest

# `wbits` of zlib.decompressobj, by the header that it expects.
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_PIECE_BYTES = 256 * 1024


class StreamDecoder:
    """Decompresses a body piece by piece."""

    def __init__(self, encoding: str, max_bytes: int) -> None:
        """Begin with a Content-Encoding. Raises BadRequest for an unknown one."""
        self._name = encoding.strip().lower()
        self._max_bytes = max_bytes
        self._decoder = _decoder(self._name)  # None for a body that is not compressed
        self._is_empty = True
        self.size = 0  # bytes, decompressed

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what a piece of the body contains, in pieces. Raises TooLarge, BadRequest."""
        self._is_empty = self._is_empty and not data
        for decoded in self._decode(data):
            self.size += len(decoded)
            if self.size > self._max_bytes:
                raise TooLarge
            yield decoded

    def _decode(self, data: bytes) -> Iterator[bytes]:
        decoder = self._decoder
        if decoder is None:
            yield data
            return
        is_full = True  # of the last piece: more may follow
        while data or is_full:
            try:
                decoded = decoder.decompress(data, _PIECE_BYTES)
            except zlib.error:
                message = f"The body is not {self._name}, although its Content-Encoding says so."
                raise BadRequest(message) from None
            data, is_full = decoder.unconsumed_tail, len(decoded) == _PIECE_BYTES
            yield decoded

    def finish(self) -> None:
        """Require the end of a compressed body. Raises BadRequest."""
        decoder = self._decoder
        if decoder is not None and not self._is_empty and (not decoder.eof or decoder.unused_data):
            raise BadRequest(f"The body is not one whole {self._name} stream.")


def _decoder(name: str) -> "zlib._Decompress | None":
    if name in ("", "identity"):
        return None
    if name not in _WINDOWS:
        raise BadRequest("Content-Encoding must be gzip or deflate.")
    return zlib.decompressobj(_WINDOWS[name])


def decompress(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """Return the decompressed body of a request with this Content-Encoding.

    Raises TooLarge, BadRequest.
    """
    if not body:
        return body
    decoder = StreamDecoder(encoding, max_bytes)
    decoded = b"".join(decoder.feed(body))
    decoder.finish()
    return decoded
