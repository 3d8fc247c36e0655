"""Files of the site at the root: the sitemap, robots.txt, and the style sheet of public pages."""

import asyncio
import zlib

from aiohttp import hdrs, web

from hubbub.cluster.cache import Version
from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.http.app_keys import STATIC_FILE, container_of
from hubbub.http.pages import sitemap, theme
from hubbub.http.pages.responses import PUBLIC_HEADERS, respond
from hubbub.http.pages.sitemap import MAX_URLS, Page
from hubbub.schemas.portfolio.pages import SitemapPage
from hubbub.services.context import Container
from hubbub.services.portfolio import pages

routes = web.RouteTableDef()

SITEMAP_TAG = "sitemap"  # in the cache
# The part of the time in which a large sitemap may be generated, however often its pages change.
MAX_SITEMAP_SHARE = 1 / 20
LARGE_SITEMAP_S = 0.1  # for generating it; smaller ones follow each change at once
STYLE_CACHE_CONTROL = "public, max-age=31536000, immutable"
_GZIP = 16 + zlib.MAX_WBITS
_PATHS = {
    "portfolio": "/@{0}",
    "blog": "/@{0}/blog",
    "post": "/@{0}/blog/{1}",
    "project": "/@{0}/projects/{1}",
}
_ROBOTS = "User-agent: *\nDisallow: /api/\nDisallow: /socket.io/\n\nSitemap: {site}/sitemap.xml\n"


class SitemapVersion:
    """The version of the sitemap, read rarely enough that generating it takes a small part of the time."""

    def __init__(self) -> None:
        self._number = ""  # of the last version that was read
        self._next_at = 0.0  # monotonic time of the next read

    async def load(self) -> Version:
        """Return the current version, or the last one for as long as MAX_SITEMAP_SHARE demands."""
        if clock.monotonic() >= self._next_at:
            self._number = await pages.sitemap_version()
        return Version(SITEMAP_TAG, self._number)

    def record_cost(self, seconds: float) -> None:
        """Record how long the sitemap took."""
        if seconds > LARGE_SITEMAP_S:
            self._next_at = clock.monotonic() + seconds / MAX_SITEMAP_SHARE


SITEMAP_VERSION = web.AppKey("sitemap_version", SitemapVersion)


@routes.get("/sitemap.xml")
async def get_sitemap(request: web.Request) -> web.Response:
    """Send the sitemap, which is cached compressed: 50,000 pages have 6 MB."""
    container, version = container_of(request), request.config_dict[SITEMAP_VERSION]
    current = await version.load()

    async def load_version() -> Version:
        return current

    async def compute(_version: Version) -> bytes:
        began = clock.monotonic()
        body = await _generate(container)
        version.record_cost(clock.monotonic() - began)
        return body

    # No write invalidates the sitemap: its version is part of the key.
    cached = await container.cache.get(f"{SITEMAP_TAG}/{current.number}", load_version, compute)
    if cached is None:
        raise NotFound(pages.NO_PAGE)
    headers = {**PUBLIC_HEADERS, hdrs.VARY: "Accept-Encoding", hdrs.CONTENT_ENCODING: "gzip"}
    if "gzip" not in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        del headers[hdrs.CONTENT_ENCODING]
        cached = cached._replace(body=await asyncio.to_thread(zlib.decompress, cached.body, _GZIP))
    return respond(request, cached, "application/xml", headers)


async def _generate(container: Container) -> bytes:
    rows = await pages.sitemap_pages(MAX_URLS)
    return await asyncio.to_thread(_compressed_document, str(container.settings.public_url), rows)


def _compressed_document(site: str, rows: list[SitemapPage]) -> bytes:
    """Return the sitemap. For 50,000 pages it takes 0.5 s: call it in a thread."""
    found = (
        Page(_PATHS[row.kind].format(row.username, row.name), row.updated_at.date().isoformat())
        for row in rows
    )
    compressor = zlib.compressobj(wbits=_GZIP)
    return compressor.compress(sitemap.document(site, found)) + compressor.flush()


@routes.get("/robots.txt")
async def get_robots(request: web.Request) -> web.Response:
    request[STATIC_FILE] = True
    text = _ROBOTS.format(site=container_of(request).settings.public_url)
    return web.Response(text=text, headers={hdrs.CACHE_CONTROL: "public, max-age=3600"})


@routes.get(theme.PATH)
async def get_style_sheet(request: web.Request) -> web.Response:
    """Send the style sheet with an accent. Its URL names its version, so that it is cached for a year."""
    request[STATIC_FILE] = True
    accent = request.query.get("accent", "")
    is_current = request.query.get("v") == theme.DIGEST
    headers = {**PUBLIC_HEADERS, hdrs.CACHE_CONTROL: STYLE_CACHE_CONTROL if is_current else "no-cache"}
    return web.Response(text=theme.style_sheet(accent), content_type="text/css", headers=headers)
