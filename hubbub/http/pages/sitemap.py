"""The sitemap of public pages (sitemaps.org)."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote

MAX_URLS = 50_000  # the limit of the protocol
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
)


class Page(NamedTuple):
    """A public page."""

    path: str
    changed_on: str  # YYYY-MM-DD


def document(site: str, pages: Iterable[Page]) -> bytes:
    """Return the sitemap of the pages of a site, whose URL has no slash at its end."""
    lines = [
        f"<url><loc>{site}{quote(page.path, safe='/@')}</loc><lastmod>{page.changed_on}</lastmod></url>\n"
        for page in pages
    ]
    return "".join([_HEAD, *lines, "</urlset>\n"]).encode()
