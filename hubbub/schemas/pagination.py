"""Numbered pages, which REST uses everywhere except in chat."""

import re
from typing import Annotated, Any

from msgspec import Meta

from hubbub.schemas.base import Command
from hubbub.schemas.texts import text_rules

MAX_PAGE_SIZE = 100
Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE_SIZE)]
SearchText = Annotated[str, Meta(max_length=200)]
MAX_SORT_CHARS = 200  # characters


def sort_rules(*names: str) -> dict[str, Any]:
    """Return the arguments of `Meta` for a `sort` by these fields."""
    sort_key = f" *-?(?:{'|'.join(names)}) *"
    pattern = f"^{sort_key}(?:,{sort_key})*$(?!\\n)"
    message = f"Some of {', '.join(names)}, separated by commas; a - before a name reverses its order."

    def fault(text: str) -> str | None:
        return None if re.search(pattern, text) else message

    return text_rules(fault, message, pattern=pattern)


class PageQuery(Command):
    """One page of a list."""

    page: Annotated[Page, Meta(description="Number of the page, from 1.")] = 1
    limit: Annotated[Limit, Meta(description="Items on a page.")] = 20

    @property
    def offset(self) -> int:
        """Number of items before the page."""
        return (self.page - 1) * self.limit


class ListQuery(PageQuery):
    """A page of a list that can be searched and sorted. `query` is `q` in the URL."""

    query: (
        Annotated[
            SearchText, Meta(description="Words that occur in the names, the e-mail address or the topic.")
        ]
        | None
    ) = None
    sort: Annotated[str, Meta(min_length=1, max_length=MAX_SORT_CHARS)] | None = None
