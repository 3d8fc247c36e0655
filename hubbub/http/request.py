"""Reading requests and writing responses, the same for all routes."""

import asyncio
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from msgspec import inspect

from hubbub.core import client_ip
from hubbub.core.errors import InvalidPayload, NotFound, TooLarge
from hubbub.core.request_info import RequestInfo
from hubbub.http.app_keys import BODY_IN_MEMORY, REQUEST_ID, container_of, principal_of
from hubbub.http.content_encoding import decompress
from hubbub.http.problems import BadRequest, InvalidJson, UnsupportedMediaType
from hubbub.schemas.base import Command, encode, parse, strict
from hubbub.schemas.faults import is_text
from hubbub.schemas.pagination import PageQuery
from hubbub.services.context import Context

T = TypeVar("T", bound=msgspec.Struct)
C = TypeVar("C", bound=Command)

MAX_BODY_BYTES = 1 << 20
BODY_TIMEOUT_S = 30.0  # for receiving the whole body
_BOOLEANS = {"true": True, "false": False}
_MAX_DIGITS = 18
# Parameters of paths that name something by text, and their maximum length: beyond it there is no such thing.
TEXT_NAMES = {"username": 64, "id_or_slug": 200}
QUERY_ALIASES = {"q": "query"}  # query parameter to field


async def read(
    request: web.Request, command_type: type[C], defaults: Mapping[str, object] = MappingProxyType({})
) -> C:
    """Return the body as a command, with the parameters of the path. Unknown fields are rejected.

    `defaults` are fields that the request has elsewhere, for a body without them.

    Raises NotFound, UnsupportedMediaType, InvalidJson, InvalidPayload, TooLarge, BadRequest.
    """
    path_values = path_params(request)
    if (request.content_length or 0) > command_type.max_body_bytes:
        raise TooLarge
    raw_body = await read_body(request)
    if len(raw_body) > command_type.max_body_bytes:
        raise TooLarge
    if raw_body and request.content_type != "application/json":
        raise UnsupportedMediaType
    raw = _decode_json(raw_body) if raw_body else {}
    if not isinstance(raw, dict):
        raise InvalidPayload("The body must be a JSON object.")
    if duplicates := [name for name in path_values if name in raw]:
        raise InvalidPayload(fields=tuple((name, "This is given by the URL.") for name in duplicates))
    command: C = parse(strict(command_type), {**defaults, **raw, **path_values})
    return command


async def read_body(request: web.Request) -> bytes:
    """Return the whole body, decompressed. It may be called again. Raises TooLarge, BadRequest."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.read()
    except TimeoutError:
        raise BadRequest("The body was not received in time.") from None
    except (web.RequestPayloadError, HttpProcessingError, ConnectionError):
        raise BadRequest(
            "The body can't be read: it is incomplete or not encoded as its headers say."
        ) from None
    request[BODY_IN_MEMORY] = True
    if encoding := request.headers.get("Content-Encoding"):
        return await asyncio.to_thread(decompress, raw, encoding, MAX_BODY_BYTES)
    return raw


def _decode_json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:  # JSON with a number that fits no field
        raise InvalidPayload("A number is out of range.") from None
    except (ValueError, RecursionError):  # no JSON, no UTF-8, or nested thousands of levels deep
        raise InvalidJson from None


def query(request: web.Request, struct_type: type[T]) -> T:
    """Return the query string as a command, with the parameters of the path. Unknown ones are ignored.

    Raises NotFound, InvalidPayload.
    """
    path_values = path_params(request)
    raw: dict[str, Any] = {}
    kinds = _kinds(struct_type)
    for name, text in request.query.items():
        field = QUERY_ALIASES.get(name, name)
        if field in kinds and name not in QUERY_ALIASES.values():
            raw[field] = _to_value(kinds[field], text)
    try:
        return parse(struct_type, {**raw, **path_values})
    except InvalidPayload as error:
        raise _with_query_names(error) from None


@cache
def _kinds(struct_type: type[msgspec.Struct]) -> dict[str, type[inspect.Type]]:
    """Return the kind of each field of a query, without null and rules."""
    kinds = {}
    for field in msgspec.structs.fields(struct_type):
        kind = inspect.type_info(field.type)
        if isinstance(kind, inspect.UnionType):
            kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
        kinds[field.name] = type(kind.type if isinstance(kind, inspect.Metadata) else kind)
    return kinds


def _to_value(kind: type[inspect.Type], text: str) -> str | int | bool:
    """Return the value of a parameter. Text that is not of its type stays text, which is then rejected."""
    if kind is inspect.BoolType:
        return _BOOLEANS.get(text, text)
    return int(text) if kind is inspect.IntType and _is_number(text) else text


def _with_query_names(error: InvalidPayload) -> InvalidPayload:
    query_names = {field: name for name, field in QUERY_ALIASES.items()}
    return InvalidPayload(
        error.message,
        fields=tuple((query_names.get(field, field), message) for field, message in error.fields),
    )


def path_params(request: web.Request) -> dict[str, str]:
    """Return the parameters of the path. Raises NotFound for an id that is no UUID, and for no name."""
    values = dict(request.match_info)
    for name, text in values.items():
        if name in TEXT_NAMES and (len(text) > TEXT_NAMES[name] or not is_text(text)):
            raise NotFound
        if name.endswith("_id"):
            try:
                msgspec.convert(text, UUID)
            except msgspec.ValidationError:
                raise NotFound from None
    return values


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(text) <= _MAX_DIGITS


def context(request: web.Request) -> Context:
    """Return the context of an operation for the caller."""
    principal = principal_of(request)
    return Context(
        container_of(request),
        principal.user.id,
        principal.session_id,
        principal.role,
        request_info=request_info(request),
        key_id=principal.key_id,
        user=principal.user,
    )


def request_info(request: web.Request) -> RequestInfo:
    """Return the origin of a request. A header may contain bytes that are no text."""
    trusted_proxies = container_of(request).settings.trusted_proxies
    user_agent = request.headers.get("User-Agent", "").encode("utf-8", "replace").decode()
    return RequestInfo(client_ip.from_request(request, trusted_proxies), user_agent, request[REQUEST_ID])


def ok(view: object, status: int = 200, location: str | None = None) -> web.Response:
    """Respond with `{ "data": … }`."""
    headers = {"Location": location} if location is not None else None
    return _json_response({"data": view}, status, headers)


def list_response(items: object, **meta: object) -> web.Response:
    """Respond with `{ "data": […], "meta": { … } }`."""
    return _json_response({"data": items, "meta": meta}, 200, None)


def page(items: object, total: int, pagination: PageQuery) -> web.Response:
    """Respond with `{ "data": […], "meta": { page, limit, total, pages } }`."""
    return list_response(items, **_page_meta(pagination, total))


def page_body(pagination: PageQuery, items: object, total: int) -> bytes:
    """Return the body of `page`, for a response that is kept."""
    return encode({"data": items, "meta": _page_meta(pagination, total)})


def _page_meta(pagination: PageQuery, total: int) -> dict[str, int]:
    pages = -(-total // pagination.limit)
    return {"page": pagination.page, "limit": pagination.limit, "total": total, "pages": pages}


def no_content(status: int = 204) -> web.Response:
    """Respond without a body: 204, or 202 if the work follows."""
    return web.Response(status=status)


def _json_response(document: object, status: int, headers: Mapping[str, str] | None) -> web.Response:
    body = encode(document)
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")
