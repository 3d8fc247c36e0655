"""Methods of literal paths: one that a literal path does not have is 405, whatever a pattern beside it takes.

`/messages/search` also matches `/messages/{message_id}`. Without more, aiohttp would answer `PATCH` by the
route of the pattern, and list the methods of both in `Allow`.
"""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

_METHOD_NOT_ALLOWED = "__refusal__"


def _method_not_allowed(allowed: set[str]) -> Handler:
    """The handler of every other method of a path."""

    async def reject(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    reject.__dict__[_METHOD_NOT_ALLOWED] = True
    return reject


def is_method_not_allowed(request: web.Request) -> bool:
    """Whether the path exists without this method: that is so for every client, logged in or not."""
    return hasattr(request.match_info.handler, _METHOD_NOT_ALLOWED)


def reject_other_methods(router: web.UrlDispatcher) -> None:
    """Complete the literal paths that a pattern matches, too. Call it after all routes were added."""
    patterns = [each for resource in router.resources() if (each := resource.get_info().get("pattern"))]
    for resource in list(router.resources()):
        if not isinstance(resource, web.PlainResource):
            continue
        methods = {route.method for route in resource}
        if hdrs.METH_ANY not in methods and any(each.fullmatch(resource.canonical) for each in patterns):
            resource.add_route(hdrs.METH_ANY, _method_not_allowed(methods))
