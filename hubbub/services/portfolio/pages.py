"""What public pages show of a portfolio: read for each page that is not cached."""

import re
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from hubbub.core import clock
from hubbub.core.errors import NotFound
from hubbub.core.files import names
from hubbub.db import database
from hubbub.queries.portfolio import articles, sitemap
from hubbub.schemas.portfolio.fields import MAX_SLUG_CHARS
from hubbub.schemas.portfolio.pages import (
    ArticlePage,
    BlogPage,
    ContactPage,
    FeedPage,
    Page,
    PageOwner,
    Pictures,
    PortfolioPage,
    ProjectPage,
    SitemapPage,
)
from hubbub.schemas.portfolio.resource import MAX_ITEMS
from hubbub.schemas.portfolio.resources import BY_NAME
from hubbub.schemas.uploads.uploads import Thumbnail
from hubbub.services.portfolio import public
from hubbub.services.uploads import views

if TYPE_CHECKING:
    from hubbub.cluster.cache import Cached, Version
    from hubbub.queries.portfolio.public import Owner
    from hubbub.schemas.base import View
    from hubbub.services.context import Container

MAX_SECTION_ITEMS = 100  # of a section on the page of a portfolio; 500 descriptions would be 5 MB
COMPLETE_SECTIONS = ("skills", "contacts")  # whose items are short
# Characters of the long texts that a page shows whole; an ordinary portfolio has 20,000. A page up to 4 MiB
# is cached, and each character may become five.
MAX_TEXT_CHARS = 400_000
SHORTENED_CHARS = 300  # of each long text beyond that
SECTIONS = (
    *("contacts", "experiences", "education", "projects", "skills", "certifications", "testimonials"),
)
NEWEST_POSTS = 5
FEED_POSTS = 20
POSTS_PER_PAGE = 50
BLOG_SWITCH = BY_NAME["blog"].switch
LONG_FIELDS = ("description", "content", "achievements")
PICTURE_FIELDS = ("image", "avatar", "cover_image")
NO_PAGE = "This page does not exist."
Load = Callable[["Container", "Owner"], Awaitable[Page | None]]  # None: there is no such page
_SLUG = re.compile(f"[a-z0-9-]{{1,{MAX_SLUG_CHARS}}}")


async def read(
    container: "Container", username: str, key: str, load: Load, render: Callable[[Page], Awaitable[bytes]]
) -> "Cached":
    """Return a rendered page from the cache, or load and render it. Raises NotFound, Unavailable.

    `load` is one of the functions below, `key` names the page among those of the portfolio.
    """

    async def compute(version: "Version") -> bytes | None:
        owner = await public.owner(version)
        page = await load(container, owner) if owner is not None else None
        return await render(page) if page is not None else None

    load_version = partial(public.version, container, username)
    cached = await container.cache.get(f"page/{public.normalize(username)}/{key}", load_version, compute)
    if cached is None:
        raise NotFound(NO_PAGE)
    return cached


async def contact_form(container: "Container", username: str) -> ContactPage:
    """Return an empty contact form, without the cache. Raises NotFound, Unavailable."""
    version = await public.version(container, username)
    owner = await public.owner(version) if version is not None else None
    if owner is None:
        raise NotFound(NO_PAGE)
    return await contact(container, owner)


async def portfolio(container: "Container", owner: "Owner") -> PortfolioPage:
    """Return the page of a portfolio."""
    sections = _shorten_excess({name: await _items(owner, name) for name in SECTIONS})
    newest = await _posts(owner, NEWEST_POSTS)
    pictures = await _pictures(container, owner, *(item for each in sections.values() for item in each))
    return PortfolioPage(owner=_view(owner), pictures=pictures, posts=newest.posts, **sections)


async def blog(container: "Container", owner: "Owner", page: int) -> BlogPage | None:
    """Return a page of the blog, from 1; None if there is no such page."""
    part = await _posts(owner, POSTS_PER_PAGE, (page - 1) * POSTS_PER_PAGE)
    if not owner.shows(BLOG_SWITCH) or (page > 1 and not part.posts):
        return None
    return BlogPage(
        owner=_view(owner),
        pictures=await _pictures(container, owner),
        posts=part.posts,
        page=page,
        pages=max(1, -(-part.total // POSTS_PER_PAGE)),
    )


async def article(container: "Container", owner: "Owner", slug: str) -> ArticlePage | None:
    """Return a published post by its slug; None if there is none."""
    item = await public.item(owner, BY_NAME["blog"], slug) if _SLUG.fullmatch(slug) else None
    if item is None:
        return None
    return ArticlePage(owner=_view(owner), pictures=await _pictures(container, owner, item), post=item)


async def project(container: "Container", owner: "Owner", item_id: str) -> ProjectPage | None:
    """Return a project by its id; None if there is none."""
    try:
        key = msgspec.convert(item_id, UUID)
    except msgspec.ValidationError:
        return None
    item = await public.item(owner, BY_NAME["projects"], key)
    if item is None:
        return None
    return ProjectPage(owner=_view(owner), pictures=await _pictures(container, owner, item), project=item)


async def feed(_container: "Container", owner: "Owner") -> FeedPage | None:
    """Return the newest posts; None without a blog."""
    newest = await _posts(owner, FEED_POSTS)
    if not owner.shows(BLOG_SWITCH):
        return None
    return FeedPage(owner=_view(owner), pictures={}, posts=newest.posts)


async def contact(container: "Container", owner: "Owner") -> ContactPage:
    """Return an empty contact form."""
    return ContactPage(owner=_view(owner), pictures=await _pictures(container, owner))


async def sitemap_version() -> str:
    """Return a text that differs after each change of a public portfolio."""
    async with database.guard():
        return await sitemap.version(database.connection())


async def sitemap_pages(max_pages: int) -> list[SitemapPage]:
    """Return the public pages of all users, at most `max_pages`."""
    async with database.guard():
        return [page async for page in sitemap.pages(database.connection(), clock.now(), max_pages)]


async def _items(owner: "Owner", name: str) -> list["View"]:
    """Return the visible items of a section in their order."""
    resource = BY_NAME[name]
    limit = MAX_ITEMS if name in COMPLETE_SECTIONS else MAX_SECTION_ITEMS
    found = await public.page(owner, resource, resource.list_query(limit=limit))
    return found[0] if found is not None else []


def _shorten_excess(sections: dict[str, list["View"]]) -> dict[str, list["View"]]:
    """Return the sections with the long texts of the first items whole, and those of the others shortened."""
    free = MAX_TEXT_CHARS

    def within(item: "View") -> "View":
        nonlocal free
        long = {name: text for name in LONG_FIELDS if (text := getattr(item, name, None))}
        size = sum(len(text) if isinstance(text, str) else sum(map(len, text)) for text in long.values())
        if size <= free:
            free -= size
            return item
        return msgspec.structs.replace(item, **{name: _shortened(text) for name, text in long.items()})

    return {
        # Of projects, the page of a portfolio has the beginning only.
        name: found if name == "projects" else [within(item) for item in found]
        for name, found in sections.items()
    }


def _shortened(text: str | list[str]) -> str | list[str]:
    if isinstance(text, str):
        return text if len(text) <= SHORTENED_CHARS else f"{text[:SHORTENED_CHARS]}…"
    return text[:1]


async def _posts(owner: "Owner", limit: int, offset: int = 0) -> articles.ArticleSlice:
    if not owner.shows(BLOG_SWITCH):
        return articles.ArticleSlice([], 0)
    async with database.guard():
        return await articles.published(database.connection(), owner.user_id, limit, offset)


def _view(owner: "Owner") -> PageOwner:
    profile: dict[str, Any] = {
        name: owner.profile[name] for name in PageOwner.__struct_fields__ if name in owner.profile
    }
    return PageOwner(
        username=owner.username,
        name=owner.display_name,
        avatar=owner.avatar_url,
        has_blog=owner.shows(BLOG_SWITCH),
        **profile,
    )


async def _pictures(container: "Container", owner: "Owner", *items: "View") -> Pictures:
    """Return the smaller versions of those pictures that are uploads, with one query."""
    urls = [owner.avatar_url, *(getattr(item, name, None) for item in items for name in PICTURE_FIELDS)]
    cdn_url = container.settings.cdn_url or ""
    paths = {url: names.from_path(url.removeprefix(cdn_url)) for url in urls if url is not None}
    upload_ids = {url: path[0] for url, path in paths.items() if path is not None}
    if not upload_ids:
        return {}
    found = await views.thumbnails(set(upload_ids.values()))
    return {url: _on_host(url, cdn_url, found[upload_id]) for url, upload_id in upload_ids.items()}


def _on_host(url: str, cdn_url: str, thumbnails: Iterable[Thumbnail]) -> tuple[Thumbnail, ...]:
    """Return thumbnails where the picture is: at the CDN or on this site."""
    host = cdn_url if url.startswith(cdn_url) else ""
    return tuple(Thumbnail(width=each.width, url=f"{host}{each.url}") for each in thumbnails)
