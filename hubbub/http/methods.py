"""Methods of literal paths: a method that a literal path does not have is 405, also if a pattern has it.

`/messages/search` also matches `/messages/{message_id}`. By default, aiohttp routes `PATCH` to the pattern,
and lists the methods of both in `Allow`.
"""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

_METHOD_NOT_ALLOWED = "__refusal__"


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
    """Add 405 to the literal paths that a pattern also matches. Call it after all routes were added."""
    patterns = [each for resource in router.resources() if (each := resource.get_info().get("pattern"))]
    for resource in list(router.resources()):
        if not isinstance(resource, web.PlainResource):
            continue
        methods = {route.method for route in resource}
        if hdrs.METH_ANY not in methods and any(each.fullmatch(resource.canonical) for each in patterns):
            resource.add_route(hdrs.METH_ANY, _method_not_allowed(methods))
