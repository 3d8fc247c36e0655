"""The published posts of a blog, without their content, which may have 100,000 characters."""

from typing import NamedTuple
from uuid import UUID

from hubbub.core import clock
from hubbub.db.sql import Sql, as_datetime, as_uuid
from hubbub.schemas.base import decode
from hubbub.schemas.portfolio.pages import ArticleSummary

_PAGE = (
    "SELECT id, slug, title, excerpt, tags, published_at, count(*) OVER () AS total FROM portfolio_blog "
    "WHERE user_id = $1 AND published AND deleted_at IS NULL "
    "ORDER BY published_at DESC NULLS LAST, created_at DESC, id DESC LIMIT $2 OFFSET $3"
)


class ArticleSlice(NamedTuple):
    """Posts, newest first, and how many there are in all."""

    posts: list[ArticleSummary]
    total: int  # 0 beyond the last page


async def published(sql: Sql, user_id: UUID, limit: int, offset: int = 0) -> ArticleSlice:
    """Return published posts of a user, newest first."""
    rows = await sql.fetch(_PAGE, user_id, limit, offset)
    posts = [
        ArticleSummary(
            id=as_uuid(row["id"]),
            slug=row["slug"],
            title=row["title"],
            excerpt=row["excerpt"],
            tags=decode(row["tags"]),
            published_at=clock.rfc3339(as_datetime(row["published_at"])) if row["published_at"] else None,
        )
        for row in rows
    ]
    return ArticleSlice(posts, int(rows[0]["total"]) if rows else 0)
