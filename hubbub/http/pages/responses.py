"""Responses of public pages: their headers, and 304 for what the client has."""

from typing import TYPE_CHECKING, Protocol

from aiohttp import hdrs, web

from hubbub.http.entity_tags import client_has

if TYPE_CHECKING:
    from hubbub.config import Settings

# Nothing runs, pages have no script. Pictures of users may be on other sites, over https.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' https:{cdn}; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# Every site may read and embed what is public. Caches ask each time whether it has changed.
PUBLIC_HEADERS = {
    hdrs.ACCESS_CONTROL_ALLOW_ORIGIN: "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
    hdrs.CACHE_CONTROL: "public, max-age=0, must-revalidate",
}


def content_security_policy(cdn_url: str | None) -> str:
    """Return the header of pages, with the CDN of uploads if it is not https."""
    return _POLICY.format(cdn=f" {cdn_url}" if (cdn_url or "").startswith("http:") else "")


def page_headers(settings: "Settings") -> dict[str, str]:
    """Return the headers of every public page."""
    return {**PUBLIC_HEADERS, "Content-Security-Policy": content_security_policy(settings.cdn_url)}


class CachedBody(Protocol):
    """A body in the cache."""

    @property
    def body(self) -> bytes: ...
    @property
    def etag(self) -> str: ...  # with its quotes


def respond(
    request: web.Request, cached: CachedBody, content_type: str, headers: dict[str, str]
) -> web.Response:
    """Respond with a cached body, or with 304 if the client has it."""
    headers = {**headers, hdrs.ETAG: cached.etag}
    if client_has(request, cached.etag):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = f"{content_type}; charset=utf-8"
    return web.Response(body=cached.body, headers=headers)
