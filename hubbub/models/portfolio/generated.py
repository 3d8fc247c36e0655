"""Generates models from the columns of descriptions."""

from collections.abc import Callable, Sequence
from typing import Any

from tortoise import fields
from tortoise.fields import Field
from tortoise.models import Model

from hubbub.schemas.portfolio.columns import Column, Kind

_FIELDS: dict[Kind, Callable[..., Field[Any]]] = {
    "line": fields.CharField,
    "text": fields.TextField,
    "integer": fields.IntField,
    "number": fields.FloatField,
    "boolean": fields.BooleanField,
    "date": fields.DateField,
    "time": fields.DatetimeField,
    "words": fields.TextField,  # JSON
    "id": fields.UUIDField,
}


def model(
    name: str,
    base: type[Model],
    columns: Sequence[Column],
    *,
    table: str,
    comment: str,
    indexes: Any = (),  # noqa: ANN401
) -> type[Model]:
    """Return a model with the fields of an abstract one and those of the columns."""
    meta = type("Meta", (), {"table": table, "indexes": indexes})
    own = {column.name: _field(column) for column in columns}
    return type(name, (base,), {**own, "Meta": meta, "__doc__": comment, "__module__": base.__module__})


def _field(column: Column) -> Field[Any]:
    options: dict[str, Any] = {"null": column.nullable}
    if column.kind == "line":
        options["max_length"] = column.max_chars
    if column.default is not None:
        default = "[]" if column.kind == "words" else column.default
        options |= {"default": default, "db_default": default}
    return _FIELDS[column.kind](**options)
