"""Numbered pages, as REST has them everywhere but in chat."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.base import Command

MOST = 100
Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Limit = Annotated[int, Meta(ge=1, le=MOST)]
Words = Annotated[str, Meta(max_length=200)]
Sort = Annotated[str, Meta(min_length=1, max_length=200)]


class Paged(Command):
    """One page of a list."""

    page: Page = 1
    limit: Limit = 20

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.limit


class Listed(Paged):
    """A page of what can be searched and sorted; `query` is `q` in an address."""

    query: Words | None = None
    sort: Sort | None = None
