"""Routes that need a confirmed session."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.http.request import context
from hubbub.http.routes import needs_confirmed_session
from hubbub.services.auth import confirmation


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check before the body is read, and before a response is stored (`Idempotency-Key`)."""
    if needs_confirmed_session(request.match_info.route):
        await confirmation.require(context(request))
    return await handler(request)
