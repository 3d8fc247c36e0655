"""How often somebody may ask: by user, by API key, or by address where nobody is logged in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import client_ip, metrics
from hubbub.core.client_ip import rate_limit_key
from hubbub.core.errors import (
    HubbubError,
    RateLimited,
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
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate
from hubbub.services.auth import login_throttle

LIMITS_BY_ROUTE = {
    "/api/v1/auth/login": "auth",
    "/api/v1/auth/oauth/{provider}/callback": "auth",
    "/api/v1/auth/register": "register",
}
UPLOAD_PREFIX = "/api/v1/upload/"
HTTP_LIMIT = "http"
UPLOAD_LIMIT = "upload"
ACCOUNT_LIMIT = "accounts"
PASSWORD_RESET_LIMIT = "forgotten"  # noqa: S105 - the name of a limit
KNOWN_IP_LIMIT = "known"  # those who signed in to the account from there before
PASSWORD_RESET_RATE = Rate(5, 5 / 3600)  # to one address that somebody says to have forgotten the password of
MAX_DELAYED_REQUESTS = 1000  # requests that wait for their turn in a leaky bucket; more are refused


class Credential(NamedTuple):
    """What a request came with: the header of a token, or an API key."""

    text: str
    is_api_key: bool


class RouteRates:
    """The rates of an instance by class of routes, and by the role of who asks."""

    def __init__(self, settings: Settings) -> None:
        login_rate = settings.limit_auth
        self._rates = {
            HTTP_LIMIT: settings.limit_http,
            UPLOAD_LIMIT: settings.limit_upload,
            "auth": login_rate,
            ACCOUNT_LIMIT: login_rate,
            KNOWN_IP_LIMIT: login_rate,
            PASSWORD_RESET_LIMIT: PASSWORD_RESET_RATE if login_rate else None,
            "register": settings.limit_register,
        }
        self._factors = dict(settings.limit_tiers)
        self.delayed = 0

    def rate_for(self, limit: str, role: str | None = None) -> Rate | None:
        """The rate of a class, for a role; None where nothing is limited."""
        rate = self._rates[limit]
        if rate is None or role not in self._factors:
            return rate
        factor = self._factors[role]
        if factor is None:
            return None
        return rate._replace(burst=max(1, int(rate.burst * factor)), per_s=rate.per_s * factor)


RATES = web.AppKey("rates", RouteRates)
DECISION = web.RequestKey("decision", Decision)


class CredentialHistory:
    """What was found of tokens and API keys lately: what is refused is counted before it is looked up.

    The signature of a token proves it before anything is looked up; then the database may still refuse it
    (`refused`). An API key proves nothing before the database is asked, unless it was `good` a moment ago.
    """

    def __init__(self) -> None:
        self.rejected_tokens = RecentDigests()
        self.accepted_keys = RecentDigests()

    def is_suspect(self, credential: Credential) -> bool:
        """Whether it is counted before it is looked up."""
        return (
            credential.text not in self.accepted_keys
            if credential.is_api_key
            else credential.text in self.rejected_tokens
        )

    def record_accepted(self, credential: Credential) -> None:
        """It was good."""
        if credential.is_api_key:
            self.accepted_keys.add(credential.text)
        self.rejected_tokens.discard(credential.text)

    def record_rejected(self, credential: Credential) -> None:
        """The database refused it, or it is a key that was misused."""
        if credential.is_api_key:
            self.accepted_keys.discard(credential.text)
        else:
            self.rejected_tokens.add(credential.text)


CREDENTIAL_HISTORY = web.AppKey("credential_history", CredentialHistory)


@web.middleware
async def limit_unauthenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around the authentication: a credential that is refused counts for the address it came from.

    It counts before it is looked up, where that is not known to be good: once the address is limited, its
    refused credentials cost no query. A good token is never limited by what others send from its address.
    """
    if not _needs_credential(request):
        return await handler(request)
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
    """Whether the route asks for a credential."""
    route = _route_path(request)
    return (route.startswith(API_PREFIX) and route not in PUBLIC_ROUTES) or route in PROTECTED_ROUTES


def _credential_of(request: web.Request) -> Credential:
    key = request.headers.get(KEY_HEADER)
    return Credential(request.headers.get("Authorization", "") if key is None else key, key is not None)


def _is_signature_valid(request: web.Request, credential: Credential, error: HubbubError) -> bool:
    """Whether it was the database that refused a token."""
    if isinstance(error, SessionRevoked | Suspended):
        return True
    try:
        container_of(request).token_issuer.verify_access(credential.text.partition(" ")[2].strip())
    except (Unauthenticated, TokenExpired):
        return False
    return True


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Inside the authentication: every other request under /api/v1."""
    if request.path.startswith(API_PREFIX):
        principal = request.get(PRINCIPAL)
        limit = _limit_of_route(_route_path(request))
        if principal is None:
            await _acquire(request, limit, client_ip_key(request))
        else:
            # A program that runs wild does not keep its owner out: each key has a bucket of its own.
            await _acquire(request, limit, str(principal.key_id or principal.user.id), principal.role)
    if methods.is_method_not_allowed(
        request
    ):  # nothing behind this looks at the request: not its keys, not its body
        return await request.match_info.handler(request)
    return await handler(request)


async def limit_account(request: web.Request, email: str, limit: str = ACCOUNT_LIMIT) -> None:
    """One attempt at an account, whether there is one or not. Raises RateLimited."""
    await _acquire(request, limit, login_throttle.throttle_key(email, "").store_keys[login_throttle.ACCOUNT])


@asynccontextmanager
async def limit_login(request: web.Request, email: str) -> AsyncIterator[None]:
    """Around one attempt to sign in: it counts for the account, and after failures the next one has to wait.

    Raises RateLimited.
    """
    container, attempt = container_of(request), login_throttle.throttle_key(email, client_ip_key(request))
    try:
        is_known_ip = await login_throttle.check(container, attempt)
    except RateLimited as error:
        rate = request.config_dict[RATES].rate_for(ACCOUNT_LIMIT)
        _set_decision(
            request, Decision(rate.burst if rate else 0, 0, -(-(error.retry_after_ms or 0) // 1000), 0)
        )
        metrics.count("requests_limited", "login_backoff")
        raise
    try:
        await limit_account(request, email)
    except RateLimited:
        if not is_known_ip:
            raise
        await _acquire(request, KNOWN_IP_LIMIT, attempt.store_keys[login_throttle.ACCOUNT_AND_IP])
    try:
        yield
    except Unauthenticated:
        await login_throttle.record_failure(container, attempt)
        raise


async def record_login(request: web.Request, email: str) -> None:
    """The account is theirs: failures are forgotten, and the address is known from now on."""
    await login_throttle.record_success(
        container_of(request), login_throttle.throttle_key(email, client_ip_key(request))
    )


async def _acquire(request: web.Request, limit: str, key: str, role: str | None = None) -> None:
    rates = request.config_dict[RATES]
    rate = rates.rate_for(limit, role)
    if rate is None:
        return
    decision = await container_of(request).rate_limiter.acquire(limit, key, rate)
    _set_decision(request, decision)
    if decision.wait_ms or (decision.delay_ms and rates.delayed >= MAX_DELAYED_REQUESTS):
        metrics.count("requests_limited", limit)
        raise RateLimited(retry_after_ms=decision.wait_ms or decision.delay_ms)
    if decision.delay_ms:
        rates.delayed += 1
        try:
            await asyncio.sleep(decision.delay_ms / 1000)
        finally:
            rates.delayed -= 1


def _set_decision(request: web.Request, decision: Decision) -> None:
    previous = request.get(DECISION)
    if previous is None or decision.remaining <= previous.remaining:  # of two limits the nearer one
        request[DECISION] = decision


def _limit_of_route(route: str) -> str:
    return UPLOAD_LIMIT if route.startswith(UPLOAD_PREFIX) else LIMITS_BY_ROUTE.get(route, HTTP_LIMIT)


def _route_path(request: web.Request) -> str:
    """Its path; empty where there is none, or it lacks the method: both count for the address."""
    resource = request.match_info.route.resource
    return "" if resource is None or methods.is_method_not_allowed(request) else resource.canonical


def client_ip_key(request: web.Request) -> str:
    """Whose address counts: the client's own, of IPv6 its network."""
    return rate_limit_key(client_ip.from_request(request, container_of(request).settings.trusted_proxies))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """`RateLimit-*` on every answer that was counted."""
    decision = request.get(DECISION)
    if decision is not None:
        response.headers["RateLimit-Limit"] = str(decision.limit)
        response.headers["RateLimit-Remaining"] = str(decision.remaining)
        response.headers["RateLimit-Reset"] = str(decision.reset_s)
