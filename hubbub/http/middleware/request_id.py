"""The id of each request: taken from `X-Request-ID` or generated, returned and logged."""

import logging
import re

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import clock, ids, metrics
from hubbub.core.logs import bind
from hubbub.http.app_keys import PRINCIPAL, REQUEST_ID, STATIC_FILE
from hubbub.http.routes import path_of

log = logging.getLogger(__name__)
_VALID_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def resolve(request: web.BaseRequest) -> str:
    """Return the client's id if its characters are safe, else a new one."""
    client_id = request.headers.get("X-Request-ID", "")
    return client_id if _VALID_ID.fullmatch(client_id) else ids.uuid7_text()


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[REQUEST_ID] = resolve(request)
    started_at = clock.monotonic()
    with bind(request_id=request[REQUEST_ID]):
        response = await handler(request)
        record(request, response, path_of(request.match_info.route) or "none", started_at)
    return response


def record(request: web.BaseRequest, response: web.StreamResponse, route: str, started_at: float) -> None:
    """Count and log a response. `started_at` is the monotonic time at which the request began."""
    metrics.count("requests", str(response.status))
    if not log.isEnabledFor(logging.INFO):
        return
    # Polls of Socket.IO clients and files of pages are too many for the log at info.
    is_quiet = request.path.startswith("/socket.io/") or request.get(STATIC_FILE, False)
    level = logging.DEBUG if is_quiet else logging.INFO
    if not log.isEnabledFor(level):
        return
    log.log(
        level,
        "request",
        extra={
            "method": request.method,
            "route": route,
            "status": response.status,
            "ms": round((clock.monotonic() - started_at) * 1000, 1),
            "user_id": str(request[PRINCIPAL].user.id) if PRINCIPAL in request else None,
        },
    )


async def add_header(request: web.Request, response: web.StreamResponse) -> None:
    """Set the header of every response, also of errors of the server itself."""
    response.headers.setdefault("X-Request-ID", request.get(REQUEST_ID) or resolve(request))
