"""What may be asked of a numbered page: which rows, in which order."""

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
MAX_SEARCH_WORDS = 8  # that count of those asked for


def order_columns(params: ListQuery, default: str) -> list[str]:
    """`-created_at,name` as columns; ties are broken by the id."""
    names = [name.strip(" ") for name in (params.sort or default).split(",")]
    return [*names, "-id" if names[0].startswith("-") else "id"]


def search_filter(query: str | None, columns: Sequence[str]) -> Q:
    """Rows in which each of the words stands in one of the columns, in any case."""
    words = (query or "").split()[:MAX_SEARCH_WORDS]
    conditions = [reduce(or_, (Q(**{f"{name}__icontains": word}) for name in columns)) for word in words]
    return reduce(and_, conditions, Q())


async def page(rows: QuerySet[M], params: PageQuery) -> tuple[list[M], int]:
    """The rows of one page, and how many there are in all."""
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
