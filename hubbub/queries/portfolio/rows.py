"""Items of portfolios as rows: the values of columns in both databases, and as views."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from hubbub.core import clock
from hubbub.db.sql import as_datetime, as_optional_datetime, as_uuid
from hubbub.schemas.base import View, decode, encode
from hubbub.schemas.portfolio.columns import Column, Kind
from hubbub.schemas.portfolio.resource import Relation, Resource

# An item: the columns that all have (id, created_at, updated_at, deleted_at), and those of its resource. The
# other item to which it refers is under the name of its field in the view.
Values = dict[str, Any]

RELATED = "related_"  # before the names of the other item's columns in a row


def _as_date(value: Any) -> date:  # noqa: ANN401 - a driver's value
    return value if isinstance(value, date) else date.fromisoformat(value)


# What the drivers return → what operations use. Other kinds are the same.
_DECODERS: dict[Kind, Callable[[Any], Any]] = {
    "boolean": bool,
    "date": _as_date,
    "time": as_datetime,
    "words": decode,
    "id": as_uuid,
    "number": float,
}


def from_row(resource: Resource, row: Mapping[str, Any]) -> Values:
    """Return an item from a row with all its columns."""
    values: Values = {
        "id": as_uuid(row["id"]),
        "created_at": as_datetime(row["created_at"]),
        "updated_at": as_datetime(row["updated_at"]),
        "deleted_at": as_optional_datetime(row["deleted_at"]),
    }
    values |= fields_of(resource.columns, row)
    relation = resource.relation
    if relation is not None:
        values[relation.field] = _related(relation, row)
    return values


def _related(relation: Relation, row: Mapping[str, Any]) -> View | None:
    """Return the other item to which an item refers; None without one."""
    if row[f"{RELATED}id"] is None:
        return None
    names = [name for name in relation.view.__struct_fields__ if name != "id"]
    fields = {name: row[f"{RELATED}{name}"] for name in names}
    return relation.view(id=as_uuid(row[f"{RELATED}id"]), **fields)


def fields_of(columns: Sequence[Column], row: Mapping[str, Any]) -> Values:
    """Return the values of columns from a row."""
    values: Values = {}
    for column in columns:
        value = row[column.name]
        if value is not None and (decoder := _DECODERS.get(column.kind)) is not None:
            value = decoder(value)
        values[column.name] = value
    return values


def to_column(column: Column, value: object) -> object:
    """Return the value that a column stores. A list is JSON."""
    return encode(value).decode() if column.kind == "words" else value


def to_fields(resource: Resource, values: Values) -> Values:
    """Return the stored fields of an item, with times as text."""
    fields = {
        "id": values["id"],
        "created_at": clock.rfc3339(values["created_at"]),
        "updated_at": clock.rfc3339(values["updated_at"]),
    }
    for column in resource.columns:
        value = values[column.name]
        fields[column.name] = clock.rfc3339(value) if column.kind == "time" and value is not None else value
    return fields


def to_view(resource: Resource, values: Values) -> View:
    """Return an item as clients see it."""
    shown = to_fields(resource, values)
    relation = resource.relation
    if relation is not None:
        related = values[relation.field]
        shown[relation.field] = related
        if shown[relation.text] is None and related is not None:
            shown[relation.text] = getattr(related, relation.name)
    return resource.view(**shown)


def searched_text(resource: Resource, values: Values) -> str:
    """Return the text in which `q` finds words of an item."""
    view = to_view(resource, values)
    return join_texts(getattr(view, name) for name in resource.searched)


def join_texts(values: Iterable[Any]) -> str:
    """Return the texts and words among some values, one on each line."""
    return "\n".join("\n".join(each) if isinstance(each, list) else each for each in values if each)
