"""Rate limits of requests: by user, by API key, or by IP address without a login."""

from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import client_ip
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import (
    HubbubError,
    SessionRevoked,
    Suspended,
    TokenExpired,
    Unauthenticated,
)
from hubbub.http import methods
from hubbub.http.app_keys import PRINCIPAL, container_of
from hubbub.http.middleware.api_keys import API_KEY_HEADER as KEY_HEADER
from hubbub.http.middleware.auth import API_PREFIX, PROTECTED_ROUTES, PUBLIC_ROUTES
from hubbub.http.recent import RecentDigests
from hubbub.ratelimit.rate import Rate
from hubbub.services import rate_limits

LIMITS_BY_ROUTE = {
    "/api/v1/auth/login": "auth",
    "/api/v1/auth/oauth/{provider}/callback": "auth",
    "/api/v1/auth/register": "register",
}
UPLOAD_PREFIX = "/api/v1/upload/"
HTTP_LIMIT = "http"
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
        if not _needs_credential(request):
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
            if credential.is_api_key or _is_signature_valid(request, credential, error):
                history.record_rejected(credential)
            if not is_suspect:
                await _acquire(request, HTTP_LIMIT, client_ip_key(request))
        raise
    if PRINCIPAL in request:
        history.record_accepted(credential)
    return response


def _needs_credential(request: web.Request) -> bool:
    """Return whether the route needs a credential."""
    route = _route_path(request)
    return (route.startswith(API_PREFIX) and route not in PUBLIC_ROUTES) or route in PROTECTED_ROUTES


def _credential_of(request: web.Request) -> Credential:
    key = request.headers.get(KEY_HEADER)
    return Credential(request.headers.get("Authorization", "") if key is None else key, key is not None)


def _is_signature_valid(request: web.Request, credential: Credential, error: HubbubError) -> bool:
    """Return whether the database rejected a token, whose signature is valid."""
    if isinstance(error, SessionRevoked | Suspended):
        return True
    try:
        container_of(request).token_issuer.verify_access(credential.text.partition(" ")[2].strip())
    except (Unauthenticated, TokenExpired):
        return False
    return True


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count every other request under /api/v1. Runs inside the authentication."""
    if request.path.startswith(API_PREFIX):
        principal = request.get(PRINCIPAL)
        limit = _limit_of_route(_route_path(request))
        if principal is None:
            await _acquire(request, limit, client_ip_key(request))
        else:
            # Each API key has its own limit, so that a faulty program does not lock its owner out.
            await _acquire(request, limit, str(principal.key_id or principal.user.id), principal.role)
    if methods.is_method_not_allowed(
        request
    ):  # the inner middlewares read neither keys nor body of such a request
        return await request.match_info.handler(request)
    return await handler(request)


async def _acquire(request: web.Request, limit: str, key: str, role: str | None = None) -> None:
    rate = request.config_dict[RATES].rate_for(limit, role)
    await rate_limits.acquire(container_of(request), limit, key, rate)


def _limit_of_route(route: str) -> str:
    return UPLOAD_LIMIT if route.startswith(UPLOAD_PREFIX) else LIMITS_BY_ROUTE.get(route, HTTP_LIMIT)


def _route_path(request: web.Request) -> str:
    """Return the path of the route; empty without a route or method: both count for the IP address."""
    resource = request.match_info.route.resource
    return "" if resource is None or methods.is_method_not_allowed(request) else resource.canonical


def client_ip_key(request: web.Request) -> str:
    """Return the rate limit key of the client's IP address; of IPv6 its network."""
    return rate_limit_key(client_ip.from_request(request, container_of(request).settings.trusted_proxies))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set `RateLimit-*` on every response to a counted request."""
    strictest = request.get(DECISION)
    if strictest is not None and (decision := strictest.decision) is not None:
        response.headers["RateLimit-Limit"] = str(decision.limit)
        response.headers["RateLimit-Remaining"] = str(decision.remaining)
        response.headers["RateLimit-Reset"] = str(decision.reset_s)
