"""CORS by `HUBBUB_CORS_ORIGINS` and for the server's own origin, and security headers."""

from collections.abc import MutableMapping

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import client_ip
from hubbub.http.app_keys import CORS_ORIGINS, container_of
from hubbub.http.middleware import refresh_cookie
from hubbub.http.middleware.auth import PUBLIC_PREFIXES

ALLOWED_METHODS = "GET, POST, PUT, PATCH, DELETE"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, X-Request-ID, Idempotency-Key, X-API-Key, X-Signature, "
    f"If-Match, If-None-Match, {refresh_cookie.REQUIRED_HEADER}"
)
EXPOSED_HEADERS = (
    "X-Request-ID, Location, Retry-After, Allow, Idempotency-Replayed, "
    "RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, ETag"
)
SOCKETIO_PREFIX = "/socket.io/"
API_PREFIX = "/api/"
# For responses that are no pages: if a browser displays one, nothing in it runs, and no page frames it.
CONTENT_SECURITY_POLICY = "default-src 'none'; frame-ancestors 'none'"
PREFLIGHT_MAX_AGE_S = "7200"  # for which a browser need not repeat the preflight; the maximum of Chromium
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
# On every response. A route overrides what its page or file needs.
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",  # CORS requests are not affected by it
    "Permissions-Policy": PERMISSIONS_POLICY,
}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Respond to preflights. Socket.IO responds to its own."""
    if request.path.startswith(SOCKETIO_PREFIX):
        return await handler(request)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return web.Response(status=204)
    return await handler(request)


def set_security_headers(response: web.StreamResponse) -> None:
    """Set the headers of every response. `Server` reveals no version."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "hubbub"


def set_response_headers(request: web.BaseRequest, response: web.StreamResponse, settings: Settings) -> None:
    """Set the headers that do not depend on the origin of the page."""
    set_public_headers(request.path, response.headers)
    set_security_headers(response)
    if value := strict_transport(request, settings):
        response.headers.setdefault("Strict-Transport-Security", value)


def strict_transport(request: web.BaseRequest, settings: Settings) -> str:
    """Return the value of HSTS for a request over https; empty for others, and if it is off."""
    value = HSTS_VALUES[settings.hsts]
    return value if value and client_ip.is_https(request, settings.trusted_proxies) else ""


def set_public_headers(path: str, headers: MutableMapping[str, str]) -> None:
    """Let pages of every site read a response of a public route, also an error."""
    if path.startswith(PUBLIC_PREFIXES):
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Set the headers of every response, also of errors."""
    headers = response.headers
    set_response_headers(request, response, container_of(request).settings)
    if request.path.startswith(API_PREFIX):  # tokens and private data: no cache may store them
        headers.setdefault("Cache-Control", "no-store")
    if request.path.startswith(SOCKETIO_PREFIX):
        if request.method == "OPTIONS":
            headers.setdefault("Access-Control-Max-Age", PREFLIGHT_MAX_AGE_S)
        return
    if "Access-Control-Allow-Origin" in headers:  # public: any page may read it
        if request.method == "OPTIONS":
            _set_preflight_headers(headers)
        return
    origins = request.config_dict[CORS_ORIGINS]
    if not origins.allows_any:
        headers.setdefault("Vary", "Origin")
    origin = request.headers.get("Origin")
    if origin is None or not origins.accepts(request, origin):
        return
    if with_credentials := refresh_cookie.allows_credentials(request, origin):
        headers["Access-Control-Allow-Credentials"] = "true"
        headers["Vary"] = "Origin"
    headers["Access-Control-Allow-Origin"] = "*" if origins.allows_any and not with_credentials else origin
    headers["Access-Control-Expose-Headers"] = EXPOSED_HEADERS
    if request.method == "OPTIONS":
        _set_preflight_headers(headers)


def _set_preflight_headers(headers: MutableMapping[str, str]) -> None:
    headers["Access-Control-Allow-Methods"] = ALLOWED_METHODS
    headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
    headers["Access-Control-Max-Age"] = PREFLIGHT_MAX_AGE_S
