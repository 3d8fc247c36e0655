"""The API document at /api/v1/openapi.json, and its page at /api/docs."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from aiohttp import web

from hubbub.http import assets
from hubbub.http.openapi import document
from hubbub.schemas.base import encode

FOLDER = Path(__file__).with_name("api_docs")
PAGE_PATH = "/api/docs"

# Nothing from another host. The page sets styles of its elements.
_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class _Document:
    """The document, generated for its first request: it takes 6 MB, and most instances never need it."""

    def __init__(self, described: Sequence[web.AbstractRoute]) -> None:
        self._described = described  # the routes in it
        self._body: bytes | None = None  # None: not generated yet
        self._lock = asyncio.Lock()  # held while it is generated

    async def get(self, _request: web.Request) -> web.Response:
        """Respond with the document."""
        async with self._lock:
            if self._body is None:
                self._body = await asyncio.to_thread(self._generate)
        return web.Response(body=self._body, content_type="application/json")

    def _generate(self) -> bytes:
        return encode(document.document(self._described, "/"))


def routes(described: Iterable[web.AbstractRoute]) -> list[web.RouteDef]:
    """Return the routes of the document and of the page's files.

    Raises LookupError for a route without documentation.
    """
    documented = list(described)
    document.require_documentation(documented)
    return [
        web.get(document.PATH, _Document(documented).get),
        *assets.routes(PAGE_PATH, FOLDER, _POLICY),
    ]
