"""Who may come in at all: `HUBBUB_ADDRESSES_ALLOW` and `_DENY`, for REST and sockets alike."""

from aiohttp import web
from aiohttp.typedefs import Handler

from hubbub.core import client_ip, metrics
from hubbub.core.errors import Forbidden
from hubbub.http import problems
from hubbub.http.app_keys import parts_of

PROBES = frozenset({"/health/live", "/health/ready"})
FORWARDED = ("X-Forwarded-For", "X-Real-IP", "Forwarded")


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Before everything else: a handshake of a socket is a request too."""
    settings = parts_of(request).settings
    allow, deny = settings.addresses_allow, settings.addresses_deny
    if (allow or deny) and not _is_probe(request):
        address = client_ip.from_request(request, settings.trusted_proxies)
        if not client_ip.is_allowed(address, allow, deny):
            metrics.count("ip_addresses_blocked")
            return problems.answer(request, Forbidden("Your address may not come in here."))
    return await handler(request)


def _is_probe(request: web.Request) -> bool:
    """The machine asking itself; with a header of a proxy it may be anybody."""
    near = client_ip.is_loopback(request.remote or "")
    return request.path in PROBES and near and not any(name in request.headers for name in FORWARDED)
