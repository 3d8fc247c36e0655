"""Numbered pages, as REST has them everywhere but in chat."""

from typing import Annotated

from msgspec import Meta

from hubbub.schemas.base import Command

MOST = 100


class Paged(Command):
    """One page of a list."""

    page: Annotated[int, Meta(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, Meta(ge=1, le=MOST)] = 20

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.limit


class Listed(Paged):
    """A page of what can be searched and sorted; `query` is `q` in an address."""

    query: Annotated[str, Meta(max_length=200)] | None = None
    sort: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
