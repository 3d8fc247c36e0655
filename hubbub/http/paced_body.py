"""Reads a long request body piece by piece, within limits of its size and of the time that it takes."""

import asyncio

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from hubbub.core import clock
from hubbub.core.errors import TooLarge
from hubbub.http.problems import BadRequest

IDLE_TIMEOUT_S = 30.0  # without a byte
GRACE_S = 60.0  # before the rate counts
MIN_BYTES_PER_S = 8 * 1024  # of a whole body: 25 MiB in 54 minutes


class PacedBody:
    """The body of a request, as it arrives."""

    def __init__(self, request: web.Request, max_bytes: int) -> None:
        self._request = request
        self._max_bytes = max_bytes
        self._received = 0  # bytes
        self._started_at = clock.monotonic()

    async def read(self) -> bytes:
        """Return the next piece; nothing at the end. Raises BadRequest, TooLarge."""
        elapsed = clock.monotonic() - self._started_at
        if elapsed > GRACE_S and self._received < (elapsed - GRACE_S) * MIN_BYTES_PER_S:
            raise BadRequest("The body is received too slowly.")
        try:
            async with asyncio.timeout(IDLE_TIMEOUT_S):
                chunk = await self._request.content.readany()
        except TimeoutError:
            raise BadRequest("The body was not received in time.") from None
        except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
            raise BadRequest("The body can't be read: it is incomplete.") from None
        self._received += len(chunk)
        if self._received > self._max_bytes:
            raise TooLarge
        return chunk
