"""Every request has an id: taken from `X-Request-ID` or made, returned, logged."""

import logging
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import clock, ids, metrics
from hubbub.core.logs import bind
from hubbub.http.app_keys import ADMITTED, REQUEST_ID, STATIC

log = logging.getLogger(__name__)
_SAFE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def of(request: web.BaseRequest) -> str:
    """The client's id if it is harmless, else a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if _SAFE.fullmatch(given) else str(ids.uuid7())


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[REQUEST_ID] = of(request)
    began = clock.monotonic()
    with bind(request_id=request[REQUEST_ID]):
        response = await handler(request)
        route = request.match_info.route.resource
        metrics.count("requests", str(response.status))
        # Polls of Socket.IO clients and the files of a page are too many to read.
        quiet = request.path.startswith("/socket.io/") or request.get(STATIC, False)
        level = logging.DEBUG if quiet else logging.INFO
        log.log(
            level,
            "request",
            extra={
                "method": request.method,
                "route": route.canonical if route is not None else "none",
                "status": response.status,
                "ms": round((clock.monotonic() - began) * 1000, 1),
                "user_id": str(request[ADMITTED].user.id) if ADMITTED in request else None,
            },
        )
    return response


async def add_header(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, refusals of the server itself included."""
    response.headers.setdefault("X-Request-ID", request.get(REQUEST_ID) or of(request))
