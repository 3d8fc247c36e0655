"""The public pages of all users, in slices."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from typing import Any

from hubbub.db.sql import Sql, as_datetime, as_uuid
from hubbub.schemas.portfolio.pages import SitemapKind, SitemapPage

SLICE_USERS = 100  # whose pages are read at once

_PUBLIC = "p.is_public AND u.deleted_at IS NULL AND (u.suspended_at IS NULL OR u.suspended_until <= $1)"
_VERSION = (
    "SELECT COUNT(*) AS portfolios, COALESCE(SUM(version), 0) AS versions "
    "FROM portfolio_profiles WHERE is_public"
)
_PORTFOLIOS = (
    "SELECT p.id, u.username, p.updated_at FROM portfolio_profiles p JOIN users u ON u.id = p.user_id "
    f"WHERE {_PUBLIC} AND p.id > $2 ORDER BY p.id LIMIT $3"
)
_ITEMS = (
    "SELECT u.username, i.{name} AS name, i.updated_at "
    "FROM portfolio_profiles p JOIN users u ON u.id = p.user_id JOIN {table} i ON i.user_id = p.user_id "
    f"WHERE {_PUBLIC} AND p.id > $2 AND p.id <= $3 AND p.{{switch}} AND i.deleted_at IS NULL {{condition}} "
    "ORDER BY p.id, i.id LIMIT $4"
)
_POSTS = _ITEMS.format(name="slug", table="portfolio_blog", switch="show_blog", condition="AND i.published")
_PROJECTS = _ITEMS.format(name="id", table="portfolio_projects", switch="show_projects", condition="")


async def version(sql: Sql) -> str:
    """Return a text that differs after each change of a public portfolio, of its visibility or its number."""
    [row] = await sql.fetch(_VERSION)
    return f"{row['portfolios']}.{row['versions']}"


async def pages(sql: Sql, at: datetime, max_pages: int) -> AsyncIterator[SitemapPage]:
    """Yield public pages, at most `max_pages`. Those of one user are near each other."""
    last_id, left = 0, max_pages
    while left > 0:
        portfolios = await sql.fetch(_PORTFOLIOS, at, last_id, min(SLICE_USERS, left))
        if not portfolios:
            return
        ids = (last_id, int(portfolios[-1]["id"]))
        posts = await sql.fetch(_POSTS, at, *ids, left)
        projects = await sql.fetch(_PROJECTS, at, *ids, left)
        found = [
            *(_page("portfolio", row, "") for row in portfolios),
            *(_page("blog", row, "") for row in _newest(posts)),
            *(_page("post", row, row["name"]) for row in posts),
            *(_page("project", row, str(as_uuid(row["name"]))) for row in projects),
        ][:left]
        for page in found:
            yield page
        last_id, left = ids[1], left - len(found)


def _newest(posts: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    """Return the post of each user that was changed last."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in posts:
        former = found.get(row["username"])
        if former is None or as_datetime(row["updated_at"]) > as_datetime(former["updated_at"]):
            found[row["username"]] = row
    return found.values()


def _page(kind: SitemapKind, row: Mapping[str, Any], name: str) -> SitemapPage:
    return SitemapPage(kind, row["username"], name, as_datetime(row["updated_at"]))
