"""The playground at `/` and `/playground/…`, served if `HUBBUB_PLAYGROUND` is on."""

from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

from hubbub.config import Settings
from hubbub.gateways.storage import registry
from hubbub.http import assets

FOLDER = Path(__file__).with_name("playground")


def policy(settings: Settings) -> str:
    """Return the Content-Security-Policy.

    No inline script or style, nothing from another host except pictures (of the storage, a CDN), and no text
    that becomes markup (trusted types).
    """
    pictures = " ".join(["'self'", "blob:", "https:", *registry.http_origins(settings)])
    return (
        f"default-src 'self'; connect-src 'self' ws: wss:; img-src {pictures}; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
        "trusted-types 'none'"
    )


def routes(settings: Settings) -> list[web.RouteDef]:
    """Return one route for each file that exists at start-up."""
    own_policy = policy(settings)
    redirect = partial(_redirect_to_page, own_policy)
    return [
        *assets.routes("/", FOLDER, own_policy, "/playground"),
        web.get("/playground", redirect),
        web.get("/playground/", redirect),
    ]


async def _redirect_to_page(own_policy: str, _request: web.Request) -> web.Response:
    headers = {hdrs.LOCATION: "/", **assets.HEADERS, "Content-Security-Policy": own_policy}
    return web.Response(status=302, headers=headers)
