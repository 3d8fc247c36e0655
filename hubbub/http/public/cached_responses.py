"""Responses of public routes from the cache: with validators, and from memory before all middlewares."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from aiohttp import hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion11

from hubbub.cluster.cache import Cached
from hubbub.config import Settings
from hubbub.core import client_ip, clock
from hubbub.core.errors import RateLimited
from hubbub.http import problems
from hubbub.http.app_keys import REQUEST_ID
from hubbub.http.entity_tags import client_has
from hubbub.http.middleware import cors, ip_filter, limits, request_id
from hubbub.http.middleware.auth import PUBLIC_PREFIX, PUBLIC_PREFIXES
from hubbub.http.request_handler import EarlyResponder
from hubbub.ratelimit.gcra import Decision
from hubbub.services import rate_limits
from hubbub.services.context import Container

# A browser keeps the response and asks before each use whether it changed: a write is seen at once.
CACHE_CONTROL = "public, max-age=0, must-revalidate"
KEPT_HEADS = 4096  # encoded headers of responses
KEPT_PATHS, MAX_PATH_CHARS = 4096, 256  # of requests
_READ_METHODS = frozenset({"GET", "HEAD"})


class Representation(NamedTuple):
    """What responses of one kind have in common."""

    content_type: str
    headers: tuple[tuple[str, str], ...] = ()  # besides those of every response


class EarlyPath(NamedTuple):
    """Paths whose responses are sent from memory before all middlewares."""

    pattern: re.Pattern[str]  # of the whole path as it was sent; none of its groups is empty
    key: str  # of the response in the cache, with a `{}` for each group
    representation: Representation


JSON = Representation("application/json")
# A path without a query is the key of its response. Another spelling of it passes the middlewares.
API_PATHS = (EarlyPath(re.compile(rf"{PUBLIC_PREFIX}([a-z0-9_./-]+)"), "{}", JSON),)


def respond(request: web.BaseRequest, cached: Cached, representation: Representation = JSON) -> web.Response:
    """Respond with a cached body, or 304 if the client has it."""
    content_type, own_headers = representation
    headers = {**dict(own_headers), hdrs.ETAG: cached.etag, hdrs.CACHE_CONTROL: CACHE_CONTROL}
    if client_has(request, cached.etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=cached.body, headers={**headers, hdrs.CONTENT_TYPE: content_type})


class _EncodedResponse(web.StreamResponse):
    """FAST PATH: a response whose headers and body are written as they are, with one call."""

    # In place of what aiohttp's constructor sets, in a twentieth of the time of a response.
    _status, _reason, _keep_alive = 200, "OK", True

    def __init__(self, head: bytes, body: bytes) -> None:
        self._encoded = head + body

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        self._writer = request.writer
        return self._writer

    async def write_eof(self, data: bytes = b"") -> None:
        del data
        await self._writer.write(self._encoded)
        await self._writer.drain()  # a client that does not read gets no further response
        await self._writer.write_eof()


def _may_encode(request: web.BaseRequest) -> bool:
    """Return whether the response is the usual one: whole, and without a header about the connection."""
    return (
        request.method == "GET"
        and request.version == HttpVersion11
        and request.keep_alive
        and hdrs.IF_NONE_MATCH not in request.headers
    )


@lru_cache(maxsize=KEPT_HEADS)
def _fixed_head(etag: str, size: int, representation: Representation, strict_transport: str) -> bytes:
    """Return the status line and the headers that are the same for every request."""
    response = web.Response(
        headers={
            **dict(representation.headers),
            hdrs.ETAG: etag,
            hdrs.CACHE_CONTROL: CACHE_CONTROL,
            hdrs.CONTENT_LENGTH: str(size),
            hdrs.CONTENT_TYPE: representation.content_type,
        }
    )
    cors.set_public_headers(PUBLIC_PREFIX, response.headers)
    cors.set_security_headers(response)
    if strict_transport:
        response.headers["Strict-Transport-Security"] = strict_transport
    lines = [f"{name}: {value}\r\n" for name, value in response.headers.items()]
    return f"HTTP/1.1 200 OK\r\n{''.join(lines)}".encode()


def _encode(
    request: web.BaseRequest, settings: Settings, found: "_Found", decision: Decision | None
) -> _EncodedResponse:
    cached, representation = found
    strict_transport = cors.strict_transport(request, settings)
    head = _fixed_head(cached.etag, len(cached.body), representation, strict_transport)
    lines = ""
    if decision is not None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in limits.headers_of(decision).items())
    # The id has only characters that are safe in a header.
    lines += f"Date: {rfc822_formatted_time()}\r\nX-Request-ID: {request[REQUEST_ID]}\r\n\r\n"
    return _EncodedResponse(head + lines.encode(), cached.body)


class _Found(NamedTuple):
    """A response in memory."""

    cached: Cached
    representation: Representation


class _Match(NamedTuple):
    """The key of the response to a path."""

    key: str
    representation: Representation


def _matcher(early_paths: tuple[EarlyPath, ...]) -> Callable[[str], _Match | None]:
    """Return a function that returns the match of a path. It remembers the paths that are read often."""

    @lru_cache(maxsize=KEPT_PATHS)
    def match(path: str) -> _Match | None:
        for pattern, key, representation in early_paths:
            if (matched := pattern.fullmatch(path)) is not None:
                return _Match(key.format(*matched.groups()), representation)
        return None

    return match


def early_responder(container: Container, early_paths: tuple[EarlyPath, ...]) -> EarlyResponder:
    """Return a function that responds to reads whose response is in memory; None for all other requests.

    It does what the middlewares do for these requests: the networks that are allowed, the rate limit, the id,
    the headers, the metrics and the log.
    """
    settings, cache, match = container.settings, container.cache, _matcher(early_paths)
    has_networks = bool(settings.addresses_allow or settings.addresses_deny)
    has_limit = settings.limit_public is not None

    async def respond_early(request: web.BaseRequest) -> web.StreamResponse | None:
        path = request.raw_path
        if request.method not in _READ_METHODS or not path.startswith(PUBLIC_PREFIXES):
            return None
        if has_networks and not ip_filter.is_allowed(settings, request):
            return None
        if len(path) > MAX_PATH_CHARS or (matched := match(path)) is None:
            return None
        if (cached := cache.peek(matched.key)) is None:
            return None
        found = _Found(cached, matched.representation)
        started_at = clock.monotonic()
        request[REQUEST_ID] = request_id.resolve(request)
        decision, error = await _acquire(container, request) if has_limit else (None, None)
        if error is None and _may_encode(request):
            response: web.StreamResponse = _encode(request, settings, found, decision)
        else:
            response = respond(request, *found) if error is None else problems.to_response(request, error)
            limits.set_headers(response, decision)
            cors.set_response_headers(request, response, settings)
            response.headers["X-Request-ID"] = request[REQUEST_ID]
        request_id.record(request, response, "cached", started_at)
        return response

    return respond_early


async def _acquire(
    container: Container, request: web.BaseRequest
) -> tuple[Decision | None, RateLimited | None]:
    """Count a request for its IP address. Return the decision, and the error if it exceeds the limit."""
    rate = container.settings.limit_public
    if rate is None:
        return None, None
    key = client_ip.rate_limit_key(client_ip.from_request(request, container.settings.trusted_proxies))
    error = None
    with rate_limits.observe() as observed:
        try:
            await rate_limits.acquire(container, limits.PUBLIC_LIMIT, key, rate)
        except RateLimited as refused:
            error = refused
    return observed.decision, error
