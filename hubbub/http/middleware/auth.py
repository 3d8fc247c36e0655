"""Bearer tokens: every route under /api/v1 asks for one, except the open ones."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core.errors import Unauthenticated
from hubbub.http.keys import ADMITTED, parts_of
from hubbub.services import sessions

PREFIX = "/api/v1/"
OPEN = frozenset({"/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/refresh"})


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.path.startswith(PREFIX) and request.path not in OPEN and request.match_info.http_exception is None:
        request[ADMITTED] = await sessions.admit(parts_of(request), _token(request))
    return await handler(request)


def _token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()
