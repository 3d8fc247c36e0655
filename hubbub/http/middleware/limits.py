"""Rate limits of requests: by user, by API key, or by IP address without a login."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import client_ip
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import (
    Forbidden,
    HubbubError,
    NotFound,
    SessionRevoked,
    Suspended,
    TokenExpired,
    Unauthenticated,
)
from hubbub.http import methods
from hubbub.http.app_keys import PRINCIPAL, container_of
from hubbub.http.middleware.api_keys import API_KEY_HEADER as KEY_HEADER
from hubbub.http.middleware.auth import API_PREFIX, PUBLIC_PREFIXES, needs_credential
from hubbub.http.recent import RecentDigests
from hubbub.http.routes import path_of, takes_files
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate
from hubbub.services import rate_limits

T = TypeVar("T")

LIMITS_BY_ROUTE = {
    "/api/v1/auth/login": "auth",
    "/api/v1/auth/oauth/{provider}/callback": "auth",
    "/api/v1/auth/register": "register",
}
HTTP_LIMIT = "http"
PUBLIC_LIMIT = "public"
UPLOAD_LIMIT = "upload"


class Credential(NamedTuple):
    """The credential of a request: the Authorization header, or an API key."""

    text: str
    is_api_key: bool


class RouteRates:
    """The rates of an instance, by class of routes and by role of the caller."""

    def __init__(self, settings: Settings) -> None:
        self._rates = {
            HTTP_LIMIT: settings.limit_http,
            PUBLIC_LIMIT: settings.limit_public,
            UPLOAD_LIMIT: settings.limit_upload,
            "auth": settings.limit_auth,
            "register": settings.limit_register,
        }
        self._factors = dict(settings.limit_tiers)

    def rate_for(self, limit: str, role: str | None = None) -> Rate | None:
        """Return the rate of a class for a role; None is no limit."""
        rate = self._rates[limit]
        if rate is None or role not in self._factors:
            return rate
        factor = self._factors[role]
        if factor is None:
            return None
        return rate._replace(burst=max(1, int(rate.burst * factor)), per_s=rate.per_s * factor)


RATES = web.AppKey("rates", RouteRates)
DECISION = web.RequestKey("decision", rate_limits.StrictestDecision)


class CredentialHistory:
    """Recent results of credentials. A suspect one is counted before it is looked up.

    The signature of a token is verified without a query; then the database may still reject the token
    (`rejected_tokens`). An API key can't be verified without a query, unless it was accepted a moment ago
    (`accepted_keys`).
    """

    def __init__(self) -> None:
        self.rejected_tokens = RecentDigests()
        self.accepted_keys = RecentDigests()

    def is_suspect(self, credential: Credential) -> bool:
        """Return whether a credential is counted before it is looked up."""
        return (
            credential.text not in self.accepted_keys
            if credential.is_api_key
            else credential.text in self.rejected_tokens
        )

    def record_accepted(self, credential: Credential) -> None:
        """Record that a credential was accepted."""
        if credential.is_api_key:
            self.accepted_keys.add(credential.text)
        self.rejected_tokens.discard(credential.text)

    def record_rejected(self, credential: Credential) -> None:
        """Record that the database rejected a credential, or that an API key was misused."""
        if credential.is_api_key:
            self.accepted_keys.discard(credential.text)
        else:
            self.rejected_tokens.add(credential.text)


CREDENTIAL_HISTORY = web.AppKey("credential_history", CredentialHistory)


@web.middleware
async def limit_unauthenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count rejected credentials for their IP address. Runs around the authentication.

    A suspect credential is counted before it is looked up. Once the IP address is limited, its rejected
    credentials cost no query. A valid token is never limited by what others send from its IP address.
    """
    with rate_limits.observe() as request[DECISION]:
        if not needs_credential(_route_path(request)):
            return await handler(request)
        return await _limit_rejected_credential(request, handler)


async def _limit_rejected_credential(request: web.Request, handler: Handler) -> web.StreamResponse:
    history, credential = request.config_dict[CREDENTIAL_HISTORY], _credential_of(request)
    is_suspect = history.is_suspect(credential)
    if is_suspect:
        await _acquire(request, HTTP_LIMIT, client_ip_key(request))
    try:
        response = await handler(request)
    except (Unauthenticated, TokenExpired, SessionRevoked, Suspended) as error:
        if PRINCIPAL not in request:
            if credential.is_api_key or _is_rejected(request, credential, error):
                history.record_rejected(credential)
            if not is_suspect:
                await _acquire(request, HTTP_LIMIT, client_ip_key(request))
        raise
    if PRINCIPAL in request:
        history.record_accepted(credential)
    return response


async def limit_refused_access(
    request: web.Request, access: Callable[[], Awaitable[T]], *, has_signature: bool, is_signed: bool
) -> T:
    """Return the result of `access`, which may need no credential. A refusal counts for the IP address.

    If each given credential is wrong by itself or was rejected before, the request is counted before it is
    looked up. `is_signed`: the URL has a valid signature.
    """
    history, credential = request.config_dict[CREDENTIAL_HISTORY], _token_of(request)
    is_suspect = not is_signed and (has_signature or credential is not None)
    if is_suspect and credential is not None and not history.is_suspect(credential):
        is_suspect = not _has_valid_signature(request, credential)
    if is_suspect:
        await _acquire(request, HTTP_LIMIT, client_ip_key(request))
    try:
        return await access()
    except (Unauthenticated, TokenExpired, SessionRevoked, Suspended, Forbidden, NotFound) as error:
        is_about_file = isinstance(error, Forbidden | NotFound)
        if credential is not None and not is_about_file and _is_rejected(request, credential, error):
            history.record_rejected(credential)
        if not is_suspect:
            await _acquire(request, HTTP_LIMIT, client_ip_key(request))
        raise


def _token_of(request: web.Request) -> Credential | None:
    text = request.headers.get("Authorization")
    return None if text is None else Credential(text, is_api_key=False)


def _credential_of(request: web.Request) -> Credential:
    key = request.headers.get(KEY_HEADER)
    return Credential(request.headers.get("Authorization", "") if key is None else key, key is not None)


def _is_rejected(request: web.Request, credential: Credential, error: HubbubError) -> bool:
    """Return whether the database rejected a token, whose signature is valid."""
    return isinstance(error, SessionRevoked | Suspended) or _has_valid_signature(request, credential)


def _has_valid_signature(request: web.Request, credential: Credential) -> bool:
    try:
        container_of(request).token_issuer.verify_access(credential.text.partition(" ")[2].strip())
    except (Unauthenticated, TokenExpired):
        return False
    return True


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every other request for public pages and under /api/v1. Runs inside the authentication."""
    if request.path.startswith(PUBLIC_PREFIXES):  # per IP address, also with a login
        await _acquire(request, PUBLIC_LIMIT, client_ip_key(request))
    elif request.path.startswith(API_PREFIX):
        principal = request.get(PRINCIPAL)
        limit = _limit_of(request)
        if principal is None:
            await _acquire(request, limit, client_ip_key(request))
        else:
            # Each API key has its own limit, so that a faulty program does not lock its owner out.
            await _acquire(request, limit, str(principal.key_id or principal.user.id), principal.role)
    if methods.is_method_not_allowed(request):
        # The inner middlewares are left out: they would read keys and body of a request that is refused.
        return await request.match_info.handler(request)
    return await handler(request)


async def _acquire(request: web.Request, limit: str, key: str, role: str | None = None) -> None:
    rate = request.config_dict[RATES].rate_for(limit, role)
    await rate_limits.acquire(container_of(request), limit, key, rate)


def _limit_of(request: web.Request) -> str:
    if takes_files(request.match_info.route):
        return UPLOAD_LIMIT
    return LIMITS_BY_ROUTE.get(_route_path(request), HTTP_LIMIT)


def _route_path(request: web.Request) -> str:
    """Return the path of the route; empty without a route or method: both count for the IP address."""
    return "" if methods.is_method_not_allowed(request) else path_of(request.match_info.route)


def client_ip_key(request: web.Request) -> str:
    """Return the rate limit key of the client's IP address; of IPv6 its network."""
    return rate_limit_key(client_ip.from_request(request, container_of(request).settings.trusted_proxies))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set `RateLimit-*` on every response to a counted request."""
    strictest = request.get(DECISION)
    set_headers(response, strictest.decision if strictest is not None else None)


def set_headers(response: web.StreamResponse, decision: Decision | None) -> None:
    """Set `RateLimit-*` if a limit applied."""
    if decision is not None:
        response.headers.update(headers_of(decision))


def headers_of(decision: Decision) -> dict[str, str]:
    """Return the headers about a limit."""
    return {
        "RateLimit-Limit": str(decision.limit),
        "RateLimit-Remaining": str(decision.remaining),
        "RateLimit-Reset": str(decision.reset_s),
    }
