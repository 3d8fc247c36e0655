"""Allowed client IP addresses: `HUBBUB_ADDRESSES_ALLOW` and `_DENY`, for REST and sockets."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.config import Settings
from hubbub.core import client_ip, metrics
from hubbub.core.errors import Forbidden
from hubbub.http import problems
from hubbub.http.app_keys import container_of

PROBE_PATHS = frozenset({"/health/live", "/health/ready"})


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Check before all else. The handshake of a socket is a request too."""
    if not is_allowed(container_of(request).settings, request):
        metrics.count("ip_addresses_blocked")
        return problems.to_response(request, Forbidden("Your IP address is not allowed."))
    return await handler(request)


def is_allowed(settings: Settings, request: web.BaseRequest) -> bool:
    """Return whether the IP address of a request may use this instance."""
    allow, deny = settings.addresses_allow, settings.addresses_deny
    if not (allow or deny) or _is_probe(request):
        return True
    ip = client_ip.from_request(request, settings.trusted_proxies)
    return client_ip.is_allowed(ip, allow, deny)


def _is_probe(request: web.BaseRequest) -> bool:
    """Return whether it is a local probe. With a header of a proxy, the client may be any."""
    is_local = client_ip.is_loopback(request.remote or "") and not client_ip.is_proxied(request)
    return is_local and request.path in PROBE_PATHS
