"""Static files of the package. Each file that exists at start-up has a route, and nothing else has one."""

import asyncio
import hashlib
from functools import partial
from pathlib import Path

from aiohttp import hdrs, web

from hubbub.http.app_keys import STATIC_FILE
from hubbub.http.entity_tags import client_has

MEDIA_TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}

# Browsers cache the files and revalidate them each time: an edited file is visible at the next reload.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
ICON_CACHE_CONTROL = "public, max-age=86400"


def servable_files(folder: Path) -> list[Path]:
    """Return the files below a folder that may be served, sorted."""
    return sorted(path for path in folder.rglob("*") if path.suffix in MEDIA_TYPES)


def routes(page: str, folder: Path, policy: str, files_path: str = "") -> list[web.RouteDef]:
    """Return a route for the page, and one for each file below `files_path`, or else `page`."""
    return [
        web.get(page, partial(serve, folder / "index.html", policy)),
        *(
            web.get(
                f"{files_path or page}/{path.relative_to(folder).as_posix()}", partial(serve, path, policy)
            )
            for path in servable_files(folder)
            if files_path or path.name != "index.html"
        ),
    ]


async def serve(path: Path, policy: str, request: web.Request) -> web.Response:
    """Respond with a file, or with 304 if the client has it; `policy` is its Content-Security-Policy."""
    request[STATIC_FILE] = True
    content = await asyncio.to_thread(path.read_bytes)
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {**HEADERS, "Content-Security-Policy": policy, hdrs.ETAG: etag}
    if path.suffix == ".svg":  # a page requests its icons again at each use
        headers[hdrs.CACHE_CONTROL] = ICON_CACHE_CONTROL
    if client_has(request, etag):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, content_type=MEDIA_TYPES[path.suffix], charset="utf-8", headers=headers)
