"""Routes that need a permission. Without it, a request is forbidden, whatever else is wrong with it."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core.errors import Forbidden, HubbubError
from hubbub.http.app_keys import principal_of
from hubbub.http.middleware import api_keys
from hubbub.http.request import context
from hubbub.http.routes import required_permission
from hubbub.services import permissions


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse before the query is parsed. A write with a valid body records its own attempt."""
    permission = required_permission(request.match_info.route)
    if permission is None or permissions.allows(principal_of(request).role, permission):
        return await handler(request)
    if request.method not in api_keys.SAFE_METHODS:
        try:
            return await handler(request)
        except Forbidden:
            raise
        except HubbubError:  # an invalid request is also refused for the missing permission
            pass
    await permissions.require(context(request), permission)
    raise Forbidden
