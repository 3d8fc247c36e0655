"""Bearer tokens: every route under /api/v1 asks for one, except the open ones."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core.errors import Unauthenticated
from hubbub.http.keys import ADMITTED, parts_of
from hubbub.services import sessions

PREFIX = "/api/v1/"
OPEN = frozenset(
    {
        "/api/v1/auth/register",
        "/api/v1/auth/login",
        "/api/v1/auth/refresh",
        "/api/v1/auth/verify-email",
        "/api/v1/auth/forgot-password",
        "/api/v1/auth/reset-password",
        "/api/v1/openapi.json",
    }
)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    # By the route, not by the address as written: what is not found needs no token, what is found needs one.
    resource = request.match_info.route.resource
    path = resource.canonical if resource is not None else ""
    if path.startswith(PREFIX) and path not in OPEN:
        parts = parts_of(request)
        request[ADMITTED] = admitted = await sessions.admit(parts, _token(request))
        parts.activity.note(admitted.session_id)
    return await handler(request)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
