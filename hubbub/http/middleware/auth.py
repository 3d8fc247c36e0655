"""Authentication: every route under /api/v1 needs an access token or an API key, except the public ones."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import auth_tokens
from hubbub.core.errors import Unauthenticated
from hubbub.http import methods
from hubbub.http.app_keys import PRINCIPAL, Principal, container_of
from hubbub.http.middleware import api_keys, refresh_cookie
from hubbub.http.routes import path_of
from hubbub.services.auth import sessions

API_PREFIX = "/api/v1/"
PUBLIC_PREFIX = "/api/v1/public/"  # of routes that need no login
# Of public portfolios and public pages: pages of all sites may read them, also their errors.
PUBLIC_PREFIXES = (PUBLIC_PREFIX, "/@", "/sitemap.xml")
PUBLIC_ROUTES = frozenset(
    {
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/2fa/verify",
        "/api/v1/auth/refresh",
        "/api/v1/auth/verify-email",
        "/api/v1/auth/forgot-password",
        "/api/v1/auth/reset-password",
        "/api/v1/auth/change-email/confirm",
        "/api/v1/auth/undo",
        "/api/v1/auth/oauth",
        "/api/v1/auth/oauth/{provider}/authorize",
        "/api/v1/auth/oauth/{provider}/callback",
        "/api/v1/auth/oauth/exchange",
        "/api/v1/email/unsubscribe",
        "/api/v1/openapi.json",
    }
)
PROTECTED_ROUTES = frozenset({"/health"})  # outside of the API, for admins
API_KEY_AS_TOKEN = f"That is an API key. Send it in the header {api_keys.API_KEY_HEADER}."


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    # By the route, not by the URL as written: a URL without a route needs no token, every other one needs it.
    is_routed = not methods.is_method_not_allowed(request)
    needs_token = is_routed and needs_credential(path_of(request.match_info.route))
    if needs_token and not refresh_cookie.authenticates(request):
        if api_keys.API_KEY_HEADER in request.headers:
            request[PRINCIPAL] = await api_keys.authenticate(request)
        else:
            request[PRINCIPAL] = await authenticate_token(request)
    return await handler(request)


def is_public(path: str) -> bool:
    """Return whether a route, by its path with braces, needs no login."""
    return path in PUBLIC_ROUTES or path.startswith(PUBLIC_PREFIX)


def needs_credential(path: str) -> bool:
    """Return whether a route, by its path with braces, needs an access token or an API key."""
    return (path.startswith(API_PREFIX) and not is_public(path)) or path in PROTECTED_ROUTES


async def authenticate_token(request: web.Request) -> Principal:
    """Return the session of the request's access token.

    Raises Unauthenticated, TokenExpired, SessionRevoked, Suspended.
    """
    container = container_of(request)
    session = await sessions.authenticate(container, _bearer_token(request))
    container.session_last_seen.record(session.session_id)
    return Principal(session.user, session.role, session.session_id)


def _bearer_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    if auth_tokens.is_api_key(token.strip()):
        raise Unauthenticated(API_KEY_AS_TOKEN)
    return token.strip()
