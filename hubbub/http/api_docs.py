"""The API document at /api/v1/openapi.json, and its page at /api/docs."""

from collections.abc import Iterable
from functools import partial
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


def routes(described: Iterable[web.AbstractRoute]) -> list[web.RouteDef]:
    """Return the routes of the document, generated once, and of the page's files."""
    body = encode(document.document(described, "/"))
    return [
        web.get(document.PATH, partial(_document, body)),
        *assets.routes(PAGE_PATH, FOLDER, _POLICY),
    ]


async def _document(body: bytes, _request: web.Request) -> web.Response:
    return web.Response(body=body, content_type="application/json")
