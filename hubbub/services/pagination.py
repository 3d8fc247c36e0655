"""Filters, orders and pages of numbered lists."""

from collections.abc import AsyncIterator, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, TypeVar

from tortoise.expressions import Q
from tortoise.models import Model
from tortoise.queryset import QuerySet

from hubbub.db import database
from hubbub.schemas.pagination import ListQuery, PageQuery

M = TypeVar("M", bound=Model)
MAX_SEARCH_WORDS = 8  # further words are ignored


def order_columns(params: ListQuery, default: str) -> list[str]:
    """Return the columns of a sort like `-created_at,name`. Ties are ordered by id."""
    names = [name.strip(" ") for name in (params.sort or default).split(",")]
    return [*names, "-id" if names[0].startswith("-") else "id"]


def search_filter(query: str | None, columns: Sequence[str]) -> Q:
    """Return the filter of rows that contain each word in one of the columns, case-insensitive."""
    words = (query or "").split()[:MAX_SEARCH_WORDS]
    conditions = [reduce(or_, (Q(**{f"{name}__icontains": word}) for name in columns)) for word in words]
    return reduce(and_, conditions, Q())


async def page(rows: QuerySet[M], params: PageQuery) -> tuple[list[M], int]:
    """Return the rows of one page and the total number of rows."""
    async with database.guard():
        return await rows.offset(params.offset).limit(params.limit), await rows.count()


async def batches(query: QuerySet[Any], size: int, columns: Sequence[str] = ()) -> AsyncIterator[list[Any]]:
    """Yield all rows of a query, ascending by id; memory holds one batch of at most `size` rows.

    With `columns`, which name `id` too, a row is a dict of these.
    """
    after = None
    while True:
        rows = query.order_by("id").limit(size)
        rows = rows if after is None else rows.filter(id__gt=after)
        async with database.guard():
            batch: list[Any] = await (rows.values(*columns) if columns else rows)
        if batch:
            yield batch
        if len(batch) < size:
            return
        after = batch[-1]["id"] if columns else batch[-1].id
