"""Numbered pages, as REST has them everywhere but in chat."""

import re
from typing import Annotated, Any

from msgspec import Meta

from hubbub.schemas.base import Command
from hubbub.schemas.texts import checked

MOST = 100
Page = Annotated[int, Meta(ge=1, le=1_000_000)]
Limit = Annotated[int, Meta(ge=1, le=MOST)]
Words = Annotated[str, Meta(max_length=200)]
LONGEST_SORT = 200  # characters


def sorted_by(*names: str) -> dict[str, Any]:
    """What `Meta` takes for a `sort` by some of these fields."""
    one = f" *-?(?:{'|'.join(names)}) *"
    pattern = f"^{one}(?:,{one})*$(?!\\n)"
    said = f"Some of {', '.join(names)}, separated by commas; a - before a name reverses its order."

    def fault(text: str) -> str | None:
        return None if re.search(pattern, text) else said

    return checked(fault, said, pattern=pattern)


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
    sort: Annotated[str, Meta(min_length=1, max_length=LONGEST_SORT)] | None = None
