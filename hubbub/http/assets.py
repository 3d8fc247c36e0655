"""Files of the package, as they are: each has an address because it was there at the start."""

import asyncio
import hashlib
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

from hubbub.http.app_keys import STATIC

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

# Kept by the browser, asked for each time: an edited file is seen at the next reload.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
KEPT = "public, max-age=86400"


def inside(folder: Path) -> list[Path]:
    """The files below a folder that may be served."""
    return sorted(path for path in folder.rglob("*") if path.suffix in TYPES)


def routes(page: str, folder: Path, policy: str, files: str = "") -> list[web.RouteDef]:
    """One route for the page, and one per file below `files` (or `page`): nothing else has one."""
    return [
        web.get(page, partial(serve, folder / "index.html", policy)),
        *(
            web.get(f"{files or page}/{path.relative_to(folder).as_posix()}", partial(serve, path, policy))
            for path in inside(folder)
            if files or path.name != "index.html"
        ),
    ]


async def serve(path: Path, policy: str, request: web.Request) -> web.Response:
    """A file, or 304 for who has it; `policy` is its Content-Security-Policy."""
    request[STATIC] = True
    content = await asyncio.to_thread(path.read_bytes)
    tag = hashlib.sha256(content).hexdigest()[:32]
    headers = {**HEADERS, "Content-Security-Policy": policy, hdrs.ETAG: f'"{tag}"'}
    if path.suffix == ".svg":  # a page asks for its icons again at each use of one
        headers[hdrs.CACHE_CONTROL] = KEPT
    if any(known.value in (tag, "*") for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, content_type=TYPES[path.suffix], charset="utf-8", headers=headers)
