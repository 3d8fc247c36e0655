"""Methods of paths that are more literal than another: one that such a path does not have is 405.

`/messages/search` also matches `/messages/{message_id}`. By default, aiohttp routes `PATCH` to the pattern,
and lists the methods of both in `Allow`.
"""

import re

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

_METHOD_NOT_ALLOWED = "__refusal__"
_VARIABLE = re.compile(r"\{[^{}]+\}")  # of a path


def _method_not_allowed(allowed: set[str]) -> Handler:
    """Return the handler of all other methods of a path."""

    async def reject(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    reject.__dict__[_METHOD_NOT_ALLOWED] = True
    return reject


def is_method_not_allowed(request: web.Request) -> bool:
    """Return whether the path exists without this method, for every client, logged in or not."""
    return hasattr(request.match_info.handler, _METHOD_NOT_ALLOWED)


def reject_other_methods(router: web.UrlDispatcher) -> None:
    """Add 405 to the paths that a more general pattern also matches. Call it after all routes were added."""
    patterns = [(each, pattern) for each in router.resources() if (pattern := each.get_info().get("pattern"))]
    for resource in list(router.resources()):
        if not isinstance(resource, web.PlainResource | web.DynamicResource):
            continue
        methods = {route.method for route in resource}
        path = _VARIABLE.sub("x", resource.canonical)
        is_shadowed = any(each is not resource and pattern.fullmatch(path) for each, pattern in patterns)
        if is_shadowed and hdrs.METH_ANY not in methods:
            resource.add_route(hdrs.METH_ANY, _method_not_allowed(methods))
