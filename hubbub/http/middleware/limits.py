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
from hubbub.http.app_keys import ADMITTED, parts_of
from hubbub.http.middleware.api_keys import HEADER as KEY_HEADER
from hubbub.http.middleware.auth import GUARDED, OPEN, PREFIX
from hubbub.http.recent import Recent
from hubbub.ratelimit.gcra import Decision
from hubbub.ratelimit.rate import Rate
from hubbub.services.auth import login_throttle

CLASSES = {
    "/api/v1/auth/login": "auth",
    "/api/v1/auth/oauth/{provider}/callback": "auth",
    "/api/v1/auth/register": "register",
}
UPLOADS = "/api/v1/upload/"
OTHERS = "http"
UPLOAD = "upload"
ACCOUNTS = "accounts"
FORGOTTEN = "forgotten"
KNOWN = "known"  # those who signed in to the account from there before
LETTERS = Rate(5, 5 / 3600)  # to one address that somebody says to have forgotten the password of
HELD = 1000  # requests that wait for their turn in a leaky bucket; more are refused


class Credential(NamedTuple):
    """What a request came with: the header of a token, or an API key."""

    text: str
    is_key: bool


class Rates:
    """The rates of an instance by class of routes, and by the role of who asks."""

    def __init__(self, settings: Settings) -> None:
        auth = settings.limit_auth
        self._rates = {
            OTHERS: settings.limit_http,
            UPLOAD: settings.limit_upload,
            "auth": auth,
            ACCOUNTS: auth,
            KNOWN: auth,
            FORGOTTEN: LETTERS if auth else None,
            "register": settings.limit_register,
        }
        self._factors = dict(settings.limit_tiers)
        self.held = 0

    def of(self, kind: str, role: str | None = None) -> Rate | None:
        """The rate of a class, for a role; None where nothing is limited."""
        rate = self._rates[kind]
        if rate is None or role not in self._factors:
            return rate
        factor = self._factors[role]
        if factor is None:
            return None
        return rate._replace(burst=max(1, int(rate.burst * factor)), per_s=rate.per_s * factor)


LIMITS = web.AppKey("limits", Rates)
ALLOWANCE = web.RequestKey("allowance", Decision)


class Credentials:
    """What was found of tokens and API keys lately: what is refused is counted before it is looked up.

    The signature of a token proves it before anything is looked up; then the database may still refuse it
    (`refused`). An API key proves nothing before the database is asked, unless it was `good` a moment ago.
    """

    def __init__(self) -> None:
        self.refused = Recent()
        self.good = Recent()

    def is_suspect(self, given: Credential) -> bool:
        """Whether it is counted before it is looked up."""
        return given.text not in self.good if given.is_key else given.text in self.refused

    def admitted(self, given: Credential) -> None:
        """It was good."""
        if given.is_key:
            self.good.add(given.text)
        self.refused.discard(given.text)

    def rejected(self, given: Credential) -> None:
        """The database refused it, or it is a key that was misused."""
        if given.is_key:
            self.good.discard(given.text)
        else:
            self.refused.add(given.text)


CREDENTIALS = web.AppKey("credentials", Credentials)


@web.middleware
async def limit_unauthenticated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around the authentication: a credential that is refused counts for the address it came from.

    It counts before it is looked up, where that is not known to be good: once the address is limited, its
    refused credentials cost no query. A good token is never limited by what others send from its address.
    """
    if not _is_guarded(request):
        return await handler(request)
    known, given = request.config_dict[CREDENTIALS], _given(request)
    suspect = known.is_suspect(given)
    if suspect:
        await _take(request, OTHERS, address(request))
    try:
        response = await handler(request)
    except (Unauthenticated, TokenExpired, SessionRevoked, Suspended) as error:
        if ADMITTED not in request:
            if given.is_key or _is_signed(request, given, error):
                known.rejected(given)
            if not suspect:
                await _take(request, OTHERS, address(request))
        raise
    if ADMITTED in request:
        known.admitted(given)
    return response


def _is_guarded(request: web.Request) -> bool:
    """Whether the route asks for a credential."""
    route = _route(request)
    return (route.startswith(PREFIX) and route not in OPEN) or route in GUARDED


def _given(request: web.Request) -> Credential:
    key = request.headers.get(KEY_HEADER)
    return Credential(request.headers.get("Authorization", "") if key is None else key, key is not None)


def _is_signed(request: web.Request, given: Credential, error: HubbubError) -> bool:
    """Whether it was the database that refused a token."""
    if isinstance(error, SessionRevoked | Suspended):
        return True
    try:
        parts_of(request).tokens.verify_access(given.text.partition(" ")[2].strip())
    except (Unauthenticated, TokenExpired):
        return False
    return True


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Inside the authentication: every other request under /api/v1."""
    if request.path.startswith(PREFIX):
        admitted = request.get(ADMITTED)
        of = _class(_route(request))
        if admitted is None:
            await _take(request, of, address(request))
        else:
            # A program that runs wild does not keep its owner out: each key has a bucket of its own.
            await _take(request, of, str(admitted.key_id or admitted.user.id), admitted.role)
    if methods.is_refused(request):  # nothing behind this looks at the request: not its keys, not its body
        return await request.match_info.handler(request)
    return await handler(request)


async def account(request: web.Request, email: str, of: str = ACCOUNTS) -> None:
    """One attempt at an account, whether there is one or not. Raises RateLimited."""
    await _take(request, of, login_throttle.attempt(email, "").keys[login_throttle.ACCOUNT])


@asynccontextmanager
async def sign_in(request: web.Request, email: str) -> AsyncIterator[None]:
    """Around one attempt to sign in: it counts for the account, and after failures the next one has to wait.

    Raises RateLimited.
    """
    parts, made = parts_of(request), login_throttle.attempt(email, address(request))
    try:
        known = await login_throttle.check(parts, made)
    except RateLimited as error:
        rate = request.config_dict[LIMITS].of(ACCOUNTS)
        _tell(request, Decision(rate.burst if rate else 0, 0, -(-(error.retry_after_ms or 0) // 1000), 0))
        metrics.count("requests_limited", "login_backoff")
        raise
    try:
        await account(request, email)
    except RateLimited:
        if not known:
            raise
        await _take(request, KNOWN, made.keys[login_throttle.PAIR])
    try:
        yield
    except Unauthenticated:
        await login_throttle.failed(parts, made)
        raise


async def signed_in(request: web.Request, email: str) -> None:
    """The account is theirs: failures are forgotten, and the address is known from now on."""
    await login_throttle.succeeded(parts_of(request), login_throttle.attempt(email, address(request)))


async def _take(request: web.Request, of: str, key: str, role: str | None = None) -> None:
    rates = request.config_dict[LIMITS]
    rate = rates.of(of, role)
    if rate is None:
        return
    allowance = await parts_of(request).allowances.take(of, key, rate)
    _tell(request, allowance)
    if allowance.wait_ms or (allowance.hold_ms and rates.held >= HELD):
        metrics.count("requests_limited", of)
        raise RateLimited(retry_after_ms=allowance.wait_ms or allowance.hold_ms)
    if allowance.hold_ms:
        rates.held += 1
        try:
            await asyncio.sleep(allowance.hold_ms / 1000)
        finally:
            rates.held -= 1


def _tell(request: web.Request, allowance: Decision) -> None:
    told = request.get(ALLOWANCE)
    if told is None or allowance.remaining <= told.left:  # of two limits the nearer one
        request[ALLOWANCE] = allowance


def _class(route: str) -> str:
    return UPLOAD if route.startswith(UPLOADS) else CLASSES.get(route, OTHERS)


def _route(request: web.Request) -> str:
    """Its path; empty where there is none, or it lacks the method: both count for the address."""
    resource = request.match_info.route.resource
    return "" if resource is None or methods.is_refused(request) else resource.canonical


def address(request: web.Request) -> str:
    """Whose address counts: the client's own, of IPv6 its network."""
    return rate_limit_key(client_ip.from_request(request, parts_of(request).settings.trusted_proxies))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """`RateLimit-*` on every answer that was counted."""
    allowance = request.get(ALLOWANCE)
    if allowance is not None:
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(allowance.left)
        response.headers["RateLimit-Reset"] = str(allowance.full_s)
