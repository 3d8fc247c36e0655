"""Allowed client IP addresses: `HUBBUB_ADDRESSES_ALLOW` and `_DENY`, for REST and sockets."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import client_ip, metrics
from hubbub.core.errors import Forbidden
from hubbub.http import problems
from hubbub.http.app_keys import container_of

PROBE_PATHS = frozenset({"/health/live", "/health/ready"})
PROXY_HEADERS = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check before all else. The handshake of a socket is a request too."""
    settings = container_of(request).settings
    allow, deny = settings.addresses_allow, settings.addresses_deny
    if (allow or deny) and not _is_probe(request):
        ip = client_ip.from_request(request, settings.trusted_proxies)
        if not client_ip.is_allowed(ip, allow, deny):
            metrics.count("ip_addresses_blocked")
            return problems.to_response(request, Forbidden("Your IP address is not allowed."))
    return await handler(request)


def _is_probe(request: web.Request) -> bool:
    """Return whether it is a local probe. With a header of a proxy, the client may be any."""
    from_loopback = client_ip.is_loopback(request.remote or "")
    return (
        request.path in PROBE_PATHS
        and from_loopback
        and not any(name in request.headers for name in PROXY_HEADERS)
    )
