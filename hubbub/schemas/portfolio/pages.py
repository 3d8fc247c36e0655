"""What public pages show of a portfolio."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import msgspec

from hubbub.schemas.base import View
from hubbub.schemas.uploads.uploads import Thumbnail

FORM_FIELDS = ("name", "email", "message", "website")
SitemapKind = Literal["portfolio", "blog", "post", "project"]
Pictures = dict[str, tuple[Thumbnail, ...]]  # the smaller versions of uploaded pictures, by their URL


class PageOwner(View):
    """The user whose portfolio a page shows."""

    username: str
    name: str
    avatar: str | None
    bio: str | None  # Markdown
    location: str | None
    available_for_hire: bool
    resume_url: str | None
    portfolio_url: str | None
    theme: Literal["system", "light", "dark"]
    accent: str | None
    has_blog: bool  # whether the blog is visible


class SitemapPage(NamedTuple):
    """A public page in the sitemap."""

    kind: SitemapKind
    username: str
    name: str  # slug of a post, id of a project
    updated_at: datetime


class ArticleSummary(View):
    """A post without its content."""

    id: UUID
    slug: str
    title: str
    excerpt: str | None
    tags: list[str]
    published_at: str | None


class Page(View):
    """What every page needs."""

    owner: PageOwner
    pictures: Pictures


class PortfolioPage(Page, frozen=True, kw_only=True):
    """The page of a portfolio. A section that is switched off is empty."""

    contacts: Sequence[Any]
    experiences: Sequence[Any]
    education: Sequence[Any]
    projects: Sequence[Any]
    skills: Sequence[Any]  # by category, in the order of the categories
    certifications: Sequence[Any]
    testimonials: Sequence[Any]
    posts: Sequence[ArticleSummary]  # the newest ones


class BlogPage(Page, frozen=True, kw_only=True):
    """The posts, newest first, in numbered pages."""

    posts: Sequence[ArticleSummary]
    page: int  # from 1
    pages: int


class FeedPage(Page, frozen=True, kw_only=True):
    """The newest posts, for the feed."""

    posts: Sequence[ArticleSummary]


class ArticlePage(Page, frozen=True, kw_only=True):
    post: Any


class ProjectPage(Page, frozen=True, kw_only=True):
    project: Any


class ContactPage(Page, frozen=True, kw_only=True):
    """The contact form: empty, or as it was sent, with what is wrong with it."""

    form: Mapping[str, str] = msgspec.field(default_factory=lambda: dict.fromkeys(FORM_FIELDS, ""))
    errors: Mapping[str, str] = {}  # by field
    problem: str = ""  # with the whole form
    sent: bool = False
    stamp: str = ""  # empty: each response gets one
