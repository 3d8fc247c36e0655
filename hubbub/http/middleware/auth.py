"""Every route under /api/v1 asks for an access token or an API key, except the open ones."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core.errors import Unauthenticated
from hubbub.http import methods
from hubbub.http.app_keys import ADMITTED, Caller, parts_of
from hubbub.http.middleware import api_keys
from hubbub.services.auth import sessions

PREFIX = "/api/v1/"
OPEN = frozenset(
    {
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/2fa/verify",
        "/api/v1/auth/refresh",
        "/api/v1/auth/verify-email",
        "/api/v1/auth/forgot-password",
        "/api/v1/auth/reset-password",
        "/api/v1/auth/undo",
        "/api/v1/auth/oauth",
        "/api/v1/auth/oauth/{provider}/authorize",
        "/api/v1/auth/oauth/{provider}/callback",
        "/api/v1/auth/oauth/exchange",
        "/api/v1/openapi.json",
    }
)


GUARDED = frozenset({"/health"})  # outside of the API, for admins


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    # By the route, not by the address as written: what is not found needs no token, what is found needs one.
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    if not methods.is_refused(request) and (
        (path.startswith(PREFIX) and path not in OPEN) or path in GUARDED
    ):
        by_key = api_keys.HEADER in request.headers
        request[ADMITTED] = await (api_keys.admit(request) if by_key else by_token(request))
    return await handler(request)


async def by_token(request: web.Request) -> Caller:
    """The session of an access token. Raises Unauthenticated, TokenExpired, SessionRevoked, Suspended."""
    parts = parts_of(request)
    admitted = await sessions.authenticate(parts, _token(request))
    parts.activity.note(admitted.session_id)
    return Caller(admitted.user, admitted.role, admitted.session_id)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
