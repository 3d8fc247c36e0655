"""Reading a request, writing an answer: the same way for all routes."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from hubbub.core import addresses
from hubbub.core.errors import InvalidJson, InvalidPayload, UnsupportedMediaType
from hubbub.http.keys import REQUEST_ID, admitted_of, parts_of
from hubbub.schemas.base import encode, parse, strict
from hubbub.services.context import Context
from hubbub.services.sessions import Origin

T = TypeVar("T", bound=msgspec.Struct)


async def read(request: web.Request, kind: type[T], **path: str) -> T:
    """The body as a command, with parts of the path; unknown fields are refused.

    Raises UnsupportedMediaType, InvalidJson, InvalidPayload, TooLarge.
    """
    body = await request.read()
    if request.content_type != "application/json" and body:
        raise UnsupportedMediaType
    try:
        raw = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, RecursionError):
        raise InvalidJson from None
    if not isinstance(raw, dict):
        raise InvalidPayload("The body must be a JSON object.")
    if doubled := [name for name in path if name in raw]:
        raise InvalidPayload(fields=tuple((name, "This is said by the address.") for name in doubled))
    return parse(strict(kind), {**raw, **path})


def query(request: web.Request, kind: type[T], **path: str) -> T:
    """The query string as a command; whole numbers are told by the command's own types."""
    raw: dict[str, Any] = dict(path)
    for name, text in request.query.items():
        if name in kind.__struct_fields__ and name not in path:
            raw[name] = int(text) if _is_number(text) and name in _NUMBERS else text
    return parse(kind, raw)


_NUMBERS = frozenset({"limit", "before_seq", "after_seq", "page"})
_DIGITS = 18


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= _DIGITS


def context(request: web.Request) -> Context:
    """Who asks, for an operation."""
    admitted = admitted_of(request)
    return Context(
        parts_of(request), admitted.user.id, admitted.session_id, admitted.role, request_id=request[REQUEST_ID]
    )


def origin(request: web.Request) -> Origin:
    """Where the request comes from."""
    networks = parts_of(request).settings.trusted_proxies
    return Origin(addresses.of_request(request, networks), request.headers.get("User-Agent", ""))


def data(view: object, status: int = 200, location: str | None = None) -> web.Response:
    """`{ "data": … }`."""
    headers = {"Location": location} if location is not None else None
    return _json({"data": view}, status, headers)


def listing(items: object, **meta: object) -> web.Response:
    """`{ "data": […], "meta": { … } }`."""
    return _json({"data": items, "meta": meta}, 200, None)


def nothing() -> web.Response:
    """Done, and nothing to say."""
    return web.Response(status=204)


def _json(document: object, status: int, headers: Mapping[str, str] | None) -> web.Response:
    return web.Response(body=encode(document), status=status, headers=headers, content_type="application/json")
