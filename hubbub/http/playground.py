"""The playground at `/` and `/playground/…`, served if `HUBBUB_PLAYGROUND` is on."""

from pathlib import Path

from aiohttp import hdrs, web

from hubbub.http import assets

FOLDER = Path(__file__).with_name("playground")

# No inline script or style, nothing from another host, and no text that becomes markup (trusted types).
_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)


def routes() -> list[web.RouteDef]:
    """Return one route for each file that exists at start-up."""
    return [
        *assets.routes("/", FOLDER, _POLICY, "/playground"),
        web.get("/playground", _redirect_to_page),
        web.get("/playground/", _redirect_to_page),
    ]


async def _redirect_to_page(_request: web.Request) -> web.Response:
    return web.Response(
        status=302, headers={hdrs.LOCATION: "/", **assets.HEADERS, "Content-Security-Policy": _POLICY}
    )
