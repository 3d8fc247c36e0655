"""Methods of literal paths: one that a literal path does not have is 405, whatever a pattern beside it takes.

`/messages/search` also matches `/messages/{message_id}`. Without more, aiohttp would answer `PATCH` by the
route of the pattern, and list the methods of both in `Allow`.
"""

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

_REFUSAL = "__refusal__"


def _refusal(allowed: set[str]) -> Handler:
    """The handler of every other method of a path."""

    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    refuse.__dict__[_REFUSAL] = True
    return refuse


def is_refused(request: web.Request) -> bool:
    """Whether the path exists without this method: that is so for every client, logged in or not."""
    return hasattr(request.match_info.handler, _REFUSAL)


def refuse_others(router: web.UrlDispatcher) -> None:
    """Complete the literal paths that a pattern matches, too. Call it after all routes were added."""
    patterns = [each for resource in router.resources() if (each := resource.get_info().get("pattern"))]
    for resource in list(router.resources()):
        if not isinstance(resource, web.PlainResource):
            continue
        methods = {route.method for route in resource}
        if hdrs.METH_ANY not in methods and any(each.fullmatch(resource.canonical) for each in patterns):
            resource.add_route(hdrs.METH_ANY, _refusal(methods))
