"""`Idempotency-Key` on any POST: the first response is repeated for 24 hours."""

import hashlib
import logging
import re
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import metrics
from hubbub.core.errors import HubbubError, InvalidPayload, Unavailable
from hubbub.http import problems, spooled_body
from hubbub.http.app_keys import PRINCIPAL
from hubbub.http.middleware import limits, refresh_cookie
from hubbub.http.middleware.auth import API_PREFIX
from hubbub.http.request import read_body
from hubbub.http.routes import spooled_bytes, takes_files
from hubbub.services.idempotency import IdempotencyStore, IdempotentRequest, StoredResponse

log = logging.getLogger(__name__)

HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotency-Replayed"
MAX_KEY_CHARS = 255
KEY_PATTERN = r"^[ -~]+$"
STORE = web.AppKey("idempotency_store", IdempotencyStore)
# Stored with a response; the other headers are set for each request.
STORED_HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "Content-Language",
    "ETag",
    "Link",
    "Location",
    "Retry-After",
    "Set-Cookie",
)
_VALID_KEY = re.compile(rf"[ -~]{{1,{MAX_KEY_CHARS}}}")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Repeat a stored response, or store the new one. Runs innermost: limits count each request."""
    if not _applies(request):
        return await handler(request)
    _require_valid_key(request)
    if (max_bytes := spooled_bytes(request.match_info.route)) is not None:
        async with spooled_body.receive(request, max_bytes) as body:
            return await _handle_once(request, handler, _key_request(request, body.digest))
    return await _handle_once(request, handler, _key_request(request, await read_body(request)))


async def _handle_once(
    request: web.Request, handler: Handler, key_request: IdempotentRequest
) -> web.StreamResponse:
    store = request.config_dict[STORE]
    claimed = await store.claim(key_request)
    if isinstance(claimed, StoredResponse):
        metrics.count("idempotent_responses_replayed")
        headers = {**claimed.headers, REPLAYED_HEADER: "true"}
        return web.Response(status=claimed.status, headers=headers, body=claimed.body or None)
    return await _run_handler(request, handler, _Claim(store, key_request, claimed))


def _applies(request: web.Request) -> bool:
    """Return whether the key applies: to routes, except for uploads, which are not kept in memory."""
    return (
        request.method == "POST"
        and HEADER in request.headers
        and request.path.startswith(API_PREFIX)
        and request.match_info.http_exception is None
        and not request.content_type.startswith("multipart/")
        and not takes_files(request.match_info.route)
    )


def _require_valid_key(request: web.Request) -> None:
    if not _VALID_KEY.fullmatch(request.headers[HEADER]):
        message = f"Must have 1 to {MAX_KEY_CHARS} printable ASCII characters."
        raise InvalidPayload(fields=((HEADER, message),))


def _key_request(request: web.Request, body: bytes) -> IdempotentRequest:
    """Return the key with its caller and a digest. `body` identifies the body."""
    key = request.headers[HEADER]
    head = f"{request.method}\n{request.raw_path}\n".encode("utf-8", "surrogateescape")
    if (token := refresh_cookie.read(request)) is not None:  # it belongs to the request as a body does
        head += f"{token}\n".encode("utf-8", "surrogateescape")
    digest = hashlib.sha256(head + body).digest()
    principal = request.get(PRINCIPAL)
    if principal is None:  # public routes: requests of two IP addresses are never the same
        return IdempotentRequest(f"address {limits.client_ip_key(request)}", key, digest)
    caller = f"key {principal.key_id}" if principal.key_id is not None else f"user {principal.user.id}"
    return IdempotentRequest(caller, key, digest, principal.user.id)


class _Claim:
    """The exclusive right to process a request with a key."""

    def __init__(self, store: IdempotencyStore, key_request: IdempotentRequest, lease: UUID) -> None:
        self._store = store
        self._key_request = key_request
        self._lease = lease

    async def finish(self, response: web.StreamResponse | None) -> None:
        """Store a final, complete response; otherwise release the key.

        If the database is unavailable, the operation stays done, and the key is free when the lease expires.
        """
        try:
            if response is not None and (stored := _to_stored_response(response)) is not None:
                await self._store.store(self._key_request, self._lease, stored)
            else:
                await self._store.release(self._key_request, self._lease)
        except Unavailable:
            metrics.count("idempotent_responses_lost")


async def _run_handler(request: web.Request, handler: Handler, claim: _Claim) -> web.StreamResponse:
    try:
        response = await handler(request)
    except HubbubError as error:
        await claim.finish(problems.to_response(request, error))
        raise
    except Exception:
        await claim.finish(None)
        raise
    await claim.finish(response)
    return response


def _to_stored_response(response: web.StreamResponse) -> StoredResponse | None:
    """Return None for a response that is not about the request itself (429, 5xx), and for streams."""
    if response.status >= web.HTTPInternalServerError.status_code or not isinstance(response, web.Response):
        return None
    if response.status == web.HTTPTooManyRequests.status_code:
        return None
    content = response.body if response.body is not None else b""
    if not isinstance(content, bytes):
        return None
    headers = {name: response.headers[name] for name in STORED_HEADERS if name in response.headers}
    return StoredResponse(response.status, headers, content)
