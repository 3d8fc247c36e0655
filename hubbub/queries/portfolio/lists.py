"""Lists of items: filters, words, orders and pages, with one statement for a page and its total."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from hubbub.db.sql import Sql
from hubbub.queries.portfolio import search
from hubbub.queries.portfolio.items import select
from hubbub.queries.portfolio.rows import Values, from_row
from hubbub.schemas.base import encode
from hubbub.schemas.portfolio.columns import Column
from hubbub.schemas.portfolio.resource import Resource


class Selection(NamedTuple):
    """Which items, and in which order."""

    filters: Mapping[str, Any] = {}  # by field; those of words are text, separated by commas
    words: str | None = None  # that items contain
    sort: str | None = None  # default: the order of the resource
    deleted: bool = False  # only deleted items, instead of the others
    public_only: bool = False  # only those that the public sees
    offset: int = 0
    limit: int = 500


class Page(NamedTuple):
    """Items, and how many there are on all pages."""

    items: list[Values]
    total: int


async def page(sql: Sql, resource: Resource, user_id: UUID, selection: Selection) -> Page:
    """Return a page of the items of a user."""
    conditions = _Conditions(sql, user_id)
    if not conditions.add_all(resource, selection):
        return Page([], 0)
    values = conditions.values
    order = ", ".join(order_terms(sql, resource, selection.sort))
    where = " AND ".join(conditions.texts)
    rows = await sql.fetch(
        f"{select(resource).replace(' FROM ', ', page.total FROM ', 1)} JOIN ("
        f"SELECT i.id, count(*) OVER () AS total, row_number() OVER (ORDER BY {order}) AS position "
        f"FROM {resource.table} i WHERE {where} ORDER BY position "
        f"LIMIT ${len(values) + 1} OFFSET ${len(values) + 2}) page ON page.id = i.id ORDER BY page.position",
        *(*values, selection.limit, selection.offset),
    )
    if rows:
        return Page([from_row(resource, row) for row in rows], int(rows[0]["total"]))
    if not selection.offset:
        return Page([], 0)
    counted = await sql.fetch(f"SELECT count(*) AS total FROM {resource.table} i WHERE {where}", *values)
    return Page([], int(counted[0]["total"]))


def order_terms(sql: Sql, resource: Resource, sort: str | None) -> list[str]:
    """Return the terms of ORDER BY. Rows without a value come last in both directions; ties are by id."""
    names = [name.strip(" ") for name in sort.split(",")] if sort else [*resource.default_order]
    terms = []
    for name in names:
        column = resource.column[name.removeprefix("-")]
        nulls = " NULLS LAST" if column.nullable else ""
        terms.append(f"{_sort_key(sql, column)}{' DESC' if name.startswith('-') else ''}{nulls}")
    return [*terms, "i.id DESC" if names[0].startswith("-") else "i.id"]


def _sort_key(sql: Sql, column: Column) -> str:
    """Return what a column is sorted by: choices by their order, text without regard to ASCII case."""
    name = f'i."{column.name}"'
    if column.choices:
        cases = " ".join(f"WHEN '{value}' THEN {number}" for number, value in enumerate(column.choices))
        return f"CASE {name} {cases} END"
    if column.kind != "line":
        return name
    # The same on both databases, whatever the locale of the server is.
    return f'lower({name} COLLATE "C")' if sql.dialect == "postgres" else f"lower({name})"


class _Conditions:
    """The conditions of a list, and their values."""

    def __init__(self, sql: Sql, user_id: UUID) -> None:
        self._sql = sql
        self._user_id = user_id
        self.values: list[object] = [user_id]  # of the placeholders
        self.texts = ["i.user_id = $1"]  # joined by AND

    def add_all(self, resource: Resource, selection: Selection) -> bool:
        """Add the conditions of a selection. Returns whether any item can match."""
        self.texts.append(f"i.deleted_at IS {'NOT ' if selection.deleted else ''}NULL")
        if selection.public_only and resource.hidden_unless is not None:
            self._add(f'i."{resource.hidden_unless}" = {{}}', True)  # noqa: FBT003 - the value of a column
        for name, value in selection.filters.items():
            self._add_filter(resource.column[name], value)
        if selection.words is None or not selection.words.strip():
            return True
        found = search.condition(self._sql, resource, self._user_id, selection.words)
        if found is None:
            return False
        self._add(*found)
        return True

    def _add(self, text: str, value: object) -> None:
        self.values.append(value)
        self.texts.append(text.format(f"${len(self.values)}"))

    def _add_filter(self, column: Column, value: Any) -> None:  # noqa: ANN401 - of any kind of column
        name = f'i."{column.name}"'
        if column.kind != "words":
            self._add(f"{name} = {{}}", value)
            return
        for word in filter(None, (each.strip() for each in value.split(","))):
            if self._sql.dialect == "postgres":
                self._add(f"{name}::jsonb @> {{}}::text::jsonb", encode([word]).decode())
            else:
                self._add(f"EXISTS (SELECT 1 FROM json_each({name}) WHERE value = {{}})", word)
