"""Excerpts of texts in Markdown: the beginning, as plain text."""

from collections.abc import Sequence

from hubbub.core.text.markdown import Budget, to_plain_text
from hubbub.queries.portfolio.rows import Values
from hubbub.schemas.portfolio.resource import Resource

MAX_CHARS = 200
BUDGET_S = 1.0  # processor time of the texts of a transaction; an ordinary one takes 1 ms


def generate(markdown: str | None, budget: Budget) -> str | None:
    """Return the beginning of a text without its marks, at most 200 characters. Call it in a thread.

    None for a text without any word.
    """
    return to_plain_text(markdown or "", MAX_CHARS, budget) or None


def complete(resource: Resource, changes: Sequence[tuple[Values, Values | None]]) -> None:
    """Give items (with their former values, if any) without an excerpt one. Call it in a thread.

    One that was generated follows the text, until the user gives another one.
    """
    source, budget = str(resource.excerpt_of), Budget(BUDGET_S)
    for values, former in changes:
        if values["excerpt"] is None or (
            former is not None and _was_generated(source, values, former, budget)
        ):
            values["excerpt"] = generate(values[source], budget)


def _was_generated(source: str, values: Values, former: Values, budget: Budget) -> bool:
    """Return whether the text of an item changes, and its excerpt is still the generated one."""
    if values[source] == former[source] or values["excerpt"] != former["excerpt"]:
        return False
    return bool(former["excerpt"] == generate(former[source], budget))
