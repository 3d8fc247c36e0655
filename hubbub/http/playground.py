"""The playground's files at `/` and `/playground/…`; mounted only where the settings say so."""

import asyncio
import hashlib
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

FOLDER = Path(__file__).with_name("playground")

_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

# No inline script or style, nothing from another host, and no text that becomes markup (trusted types).
_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    # Kept by the browser, asked for each time: an edited file is seen at the next reload.
    "Cache-Control": "no-cache",
}


def routes() -> list[web.RouteDef]:
    """One route per file that is there at the start: what is not in the folder has no address."""
    files = sorted(path for path in FOLDER.rglob("*") if path.suffix in _TYPES)
    return [
        web.get("/", partial(_serve, FOLDER / "index.html")),
        *(
            web.get(f"/playground/{path.relative_to(FOLDER).as_posix()}", partial(_serve, path))
            for path in files
        ),
        web.get("/playground", _to_page),
        web.get("/playground/", _to_page),
    ]


async def _serve(path: Path, request: web.Request) -> web.Response:
    content = await asyncio.to_thread(path.read_bytes)
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {**_HEADERS, hdrs.ETAG: f'"{tag}"'}
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, content_type=_TYPES[path.suffix], charset="utf-8", headers=headers)


async def _to_page(_request: web.Request) -> web.Response:
    return web.Response(status=302, headers={hdrs.LOCATION: "/", **_HEADERS})
