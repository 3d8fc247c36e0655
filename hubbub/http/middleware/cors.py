"""CORS by `HUBBUB_CORS_ORIGINS`, for the own origin too, and the headers that make browsers careful."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import client_ip
from hubbub.http.app_keys import CORS_ORIGINS, container_of

ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS = "Authorization, Content-Type, X-Request-ID, Idempotency-Key, X-API-Key, X-Signature"
EXPOSED_HEADERS = (
    "X-Request-ID, Location, Retry-After, Allow, Idempotency-Replayed, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
SOCKETIO_PREFIX = "/socket.io/"
API_PREFIX = "/api/"
# For what is no page: should a browser show it as one, nothing in it runs, and nobody frames it.
CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'"
PREFLIGHT_MAX_AGE_S = "7200"  # for which a browser need not ask again; Chromium takes no more
HSTS_VALUES = {
    "off": "",
    "on": "max-age=31536000",
    "subdomains": "max-age=31536000; includeSubDomains",
    "preload": "max-age=31536000; includeSubDomains; preload",
}
PERMISSIONS_POLICY = ", ".join(
    f"{feature}=()"
    for feature in (
        *("accelerometer", "autoplay", "camera", "display-capture", "fullscreen", "geolocation", "gyroscope"),
        *("magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-get"),
        *("screen-wake-lock", "usb", "xr-spatial-tracking"),
    )
)
# On every answer, whatever it is. What a page or a file needs instead, its route sets itself.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",  # CORS asks on its own, and is not concerned by it
    "Permissions-Policy": PERMISSIONS_POLICY,
}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer preflights; the rest passes through. Socket.IO answers its own."""
    if request.path.startswith(SOCKETIO_PREFIX):
        return await handler(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204)
    return await handler(request)


def set_security_headers(response: web.StreamResponse) -> None:
    """What concerns every answer; which software and version it is is nobody's business."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "hubbub"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """On every answer, refusals included."""
    headers = response.headers
    set_security_headers(response)
    settings = container_of(request).settings
    if (hsts := HSTS_VALUES[settings.hsts]) and client_ip.is_https(request, settings.trusted_proxies):
        headers.setdefault("Strict-Transport-Security", hsts)
    if request.path.startswith(
        API_PREFIX
    ):  # tokens, and what only their owner may see: for no cache on the way
        headers.setdefault("Cache-Control", "no-store")
    if request.path.startswith(SOCKETIO_PREFIX):
        if request.method == "OPTIONS":
            headers.setdefault("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S)
        return
    origins = request.config_dict[CORS_ORIGINS]
    if not origins.allows_any:
        headers.setdefault("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is None or not origins.accepts(request, origin):
        return
    headers["Access-Control-Allow-Origin"] = "*" if origins.allows_any else origin
    headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS":
        headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
        headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
        headers["Access-Control-Max-Age"] = PREFLIGHT_MAX_AGE_S
