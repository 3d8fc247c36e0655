"""Public pages at the root: the portfolio of a user, the blog, projects, the feed."""

import re
from functools import partial

import msgspec
from aiohttp import web

from hubbub.cluster.cache import Cached
from hubbub.config import Settings
from hubbub.core.errors import NotFound
from hubbub.http.app_keys import container_of
from hubbub.http.pages.rendering import DIGEST, PageRenderer
from hubbub.http.pages.responses import page_headers
from hubbub.http.public.cached_responses import EarlyPath, Representation, respond
from hubbub.schemas.portfolio.pages import Page
from hubbub.services.portfolio import pages

routes = web.RouteTableDef()

RENDERER = web.AppKey("renderer", PageRenderer)
HTML, RSS = "text/html", "application/rss+xml"
MAX_PAGE_DIGITS = 3
_USERNAME = "/@([a-z0-9_.-]+)"


@routes.get("/@{username}")
async def get_portfolio(request: web.Request) -> web.Response:
    return await _respond(request, "portfolio.html", pages.portfolio)


@routes.get("/@{username}/blog")
async def get_blog(request: web.Request) -> web.Response:
    page = request.query.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) <= MAX_PAGE_DIGITS and int(page) >= 1):
        raise NotFound(pages.NO_PAGE)
    return await _respond(request, "blog.html", partial(pages.blog, page=int(page)), str(int(page)))


@routes.get("/@{username}/blog/{slug}")
async def get_article(request: web.Request) -> web.Response:
    slug = request.match_info["slug"]
    return await _respond(request, "article.html", partial(pages.article, slug=slug), slug)


@routes.get("/@{username}/projects/{item_id}")
async def get_project(request: web.Request) -> web.Response:
    item_id = request.match_info["item_id"]
    return await _respond(request, "project.html", partial(pages.project, item_id=item_id), item_id)


@routes.get("/@{username}/feed.xml")
async def get_feed(request: web.Request) -> web.Response:
    return await _respond(request, "feed.xml", pages.feed, content_type=RSS)


def early_paths(settings: Settings) -> tuple[EarlyPath, ...]:
    """Return the paths of pages whose responses are sent from memory before all middlewares."""
    paths = {
        _USERNAME: (f"page/{{}}/@{DIGEST}/portfolio.html/", HTML),
        f"{_USERNAME}/blog": (f"page/{{}}/@{DIGEST}/blog.html/1", HTML),
        f"{_USERNAME}/blog/([a-z0-9-]+)": (f"page/{{}}/@{DIGEST}/article.html/{{}}", HTML),
        f"{_USERNAME}/feed.xml": (f"page/{{}}/@{DIGEST}/feed.xml/", RSS),
    }
    return tuple(
        EarlyPath(re.compile(path), key, representation(settings, content_type))
        for path, (key, content_type) in paths.items()
    )


def representation(settings: Settings, content_type: str = HTML) -> Representation:
    """Return what the responses of pages have in common."""
    return Representation(f"{content_type}; charset=utf-8", tuple(page_headers(settings).items()))


async def read(request: web.Request, template: str, load: pages.Load, key: str = "") -> Cached:
    """Return a page from the cache, or rendered. Raises NotFound, Unavailable."""

    async def render(page: Page) -> bytes:
        return await request.config_dict[RENDERER].render(template, msgspec.structs.asdict(page))

    # Pages of other templates, before or after an upgrade, have other keys.
    page_key = f"@{DIGEST}/{template}/{key}"
    return await pages.read(container_of(request), request.match_info["username"], page_key, load, render)


async def _respond(
    request: web.Request, template: str, load: pages.Load, key: str = "", content_type: str = HTML
) -> web.Response:
    cached = await read(request, template, load, key)
    return respond(request, cached, representation(container_of(request).settings, content_type))


async def close_renderer(app: web.Application) -> None:
    """Start no further page."""
    app[RENDERER].close()
