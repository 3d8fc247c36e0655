"""How often somebody may ask: by user, or by address where nobody is logged in."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import addresses, metrics
from hubbub.core.allowances import Allowance, Allowances, neighbourhood
from hubbub.core.errors import RateLimited, SessionRevoked, TokenExpired, Unauthenticated
from hubbub.core.limits import Rate
from hubbub.http.keys import ADMITTED, parts_of
from hubbub.http.middleware.auth import OPEN, PREFIX
from hubbub.services.accounts import kept_email

CLASSES = {"/api/v1/auth/login": "auth", "/api/v1/auth/register": "register"}
OTHERS = "http"
ACCOUNTS = "accounts"
FORGOTTEN = "forgotten"
LETTERS = Rate(5, 5 / 3600)  # to one address that somebody says to have forgotten the password of


def build(settings: Settings) -> dict[str, Allowances]:
    """The buckets of one instance, by class of routes; `accounts` are those somebody tries to log in to."""
    return {
        OTHERS: Allowances(settings.limit_http),
        "auth": Allowances(settings.limit_auth),
        ACCOUNTS: Allowances(settings.limit_auth),
        FORGOTTEN: Allowances(LETTERS if settings.limit_auth else None),
        "register": Allowances(settings.limit_register),
    }


LIMITS = web.AppKey("limits", dict[str, Allowances])
ALLOWANCE = web.RequestKey("allowance", Allowance)


@web.middleware
async def strangers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Around the authentication: a token that is refused counts for the address it came from."""
    try:
        return await handler(request)
    except (Unauthenticated, TokenExpired, SessionRevoked):
        if ADMITTED not in request and _route(request) not in OPEN:
            _take(request, OTHERS, _address(request))
        raise


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Inside the authentication: every other request under /api/v1."""
    if request.path.startswith(PREFIX):
        admitted = request.get(ADMITTED)
        key = str(admitted.user.id) if admitted is not None else _address(request)
        _take(request, CLASSES.get(_route(request), OTHERS), key)
    return await handler(request)


def account(request: web.Request, email: str, of: str = ACCOUNTS) -> None:
    """One attempt at an account, whether there is one or not. Raises RateLimited."""
    _take(request, of, kept_email(email))


def _take(request: web.Request, of: str, key: str) -> None:
    allowance = request.config_dict[LIMITS][of].take(key)
    if allowance is None:
        return
    told = request.get(ALLOWANCE)
    if told is None or allowance.left <= told.left:  # of two limits the nearer one
        request[ALLOWANCE] = allowance
    if allowance.wait_ms:
        metrics.count("requests_limited", of)
        raise RateLimited(retry_after_ms=allowance.wait_ms)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""


def _address(request: web.Request) -> str:
    return neighbourhood(addresses.of_request(request, parts_of(request).settings.trusted_proxies))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """`RateLimit-*` on every answer that was counted."""
    allowance = request.get(ALLOWANCE)
    if allowance is not None:
        response.headers["RateLimit-Limit"] = str(allowance.limit)
        response.headers["RateLimit-Remaining"] = str(allowance.left)
        response.headers["RateLimit-Reset"] = str(allowance.full_s)
