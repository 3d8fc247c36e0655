"""CORS by `HUBBUB_CORS_ORIGINS`, and the headers that make browsers careful."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.http.keys import parts_of

METHODS = "GET, POST, PUT, PATCH, DELETE"
HEADERS = "Authorization, Content-Type, X-Request-ID, Idempotency-Key, X-API-Key, X-Signature"
EXPOSED = "X-Request-ID, Location, Retry-After, Allow, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
SOCKETS = "/socket.io/"
API = "/api/"
# For what is no page: should a browser show it as one, nothing in it runs, and nobody frames it.
POLICY = "default-src 'none'; frame-ancestors 'none'"
PREFLIGHT_S = "600"
HSTS = "max-age=31536000; includeSubDomains"
NOTHING = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights; the rest passes through. Socket.IO answers its own."""
    if request.path.startswith(SOCKETS):
        return await handler(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204)
    return await handler(request)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, refusals included."""
    headers = response.headers
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", NOTHING)
    if parts_of(request).settings.env == "production":
        headers.setdefault("Strict-Transport-Security", HSTS)
    headers.setdefault("Content-Security-Policy", POLICY)
    if request.path.startswith(API):  # tokens, and what only their owner may see: for no cache on the way
        headers.setdefault("Cache-Control", "no-store")
    if request.path.startswith(SOCKETS):
        return
    allowed = parts_of(request).settings.cors_origins
    if allowed and "*" not in allowed:
        headers.setdefault("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is None or ("*" not in allowed and origin not in allowed):
        return
    headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
    headers["Access-Control-Expose-Headers"] = EXPOSED
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = METHODS
        headers["Access-Control-Allow-Headers"] = HEADERS
        headers["Access-Control-Max-Age"] = PREFLIGHT_S
