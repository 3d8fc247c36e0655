"""Items of any resource of portfolios, made from its description alone."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from hubbub.core.errors import InvalidPayload
from hubbub.schemas.base import Command, parse, strict
from hubbub.schemas.portfolio.columns import Column
from hubbub.schemas.portfolio.resource import Resource

FIRST_DAY = date(2020, 1, 1)


def required(resource: Resource, number: int = 1) -> dict[str, Any]:
    """The body of a new item with what is required alone."""
    body = {
        column.name: value_of(resource, column, number)
        for column in writable(resource)
        if not column.nullable and column.default is None and column.name not in ("order", "slug")
    }
    if resource.relation is not None:
        body[resource.relation.text] = f"Company {number}"
    return body


def complete(resource: Resource, number: int = 1) -> dict[str, Any]:
    """The body of a new item with every field but the reference to another item."""
    columns = [column for column in writable(resource) if column.kind != "id"]
    body = {column.name: value_of(resource, column, number) for column in columns}
    if resource.open_period is not None:
        body[resource.open_period] = False
    return body


def writable(resource: Resource) -> list[Column]:
    return [column for column in resource.columns if column.name in resource.fields]


def value_of(resource: Resource, column: Column, number: int = 1) -> Any:
    """A valid value of a field; others for other numbers, as far as there are any."""
    for value in _candidates(resource, column, number):
        try:
            parse(strict(resource.create), {column.name: value})
        except InvalidPayload as error:
            if any(field.partition("[")[0] == column.name for field, _ in error.fields):
                continue
        return value
    raise AssertionError(f"no value for {resource.name}.{column.name}")


def _candidates(resource: Resource, column: Column, number: int) -> Iterator[Any]:
    if column.choices:
        yield column.choices[number % len(column.choices)]
    if column.kind == "date":
        is_end = resource.period is not None and column.name == resource.period[1]
        yield (FIRST_DAY + timedelta(days=number + 365 * is_end)).isoformat()
    of_kind: dict[str, list[Any]] = {
        "words": [[f"{column.name}{number}", "both"]],
        "boolean": [number % 2 == 0],
        "integer": [number % 5 + 1, 1990 + number],
        "number": [number % 90 + 0.25],
    }
    yield from of_kind.get(column.kind, [])
    # The one that is also a file comes before the one that is any URL.
    yield from (f"https://example.com/{column.name}{number}", f"{column.name}-{number}") * column.is_upload
    yield from (f"{column.name}{number} Öl", f"https://example.com/{number}", f"#1e90{number % 256:02x}")
    yield f"{column.name}-{number}"


def new(resource: Resource, **fields: Any) -> Command:
    """The command that creates an item with what is required and these fields."""
    command: Command = parse(strict(resource.create), {**required(resource), **fields})
    return command


def changes(resource: Resource, item: Any, **fields: Any) -> Command:
    """The command that changes these fields of an item."""
    command: Command = parse(strict(resource.update), {resource.key_field: str(item.id), **fields})
    return command


def listing(resource: Resource, **fields: Any) -> Any:
    """The query of a list."""
    return parse(resource.list_query, fields)
