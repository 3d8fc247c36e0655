"""The columns of a resource: derived from the types of its fields, for tables, SQL and views."""

from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType, inspect

Kind = Literal["line", "text", "integer", "number", "boolean", "date", "time", "words", "id"]
MAX_LINE_CHARS = 2000  # of a line with a limited column; longer ones are text
MAX_CHOICE_CHARS = 32

_KINDS: dict[type[inspect.Type], Kind] = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.BoolType: "boolean",
    inspect.DateType: "date",
    inspect.ListType: "words",
    inspect.UUIDType: "id",
}


class Column(NamedTuple):
    """A column of a resource, with the name of its field."""

    name: str
    kind: Kind
    max_chars: int | None = None  # of a line
    nullable: bool = True
    default: Any = None  # what is stored if the field is null or left out
    choices: tuple[str, ...] = ()  # the values, in their order, if only some are allowed
    is_upload: bool = False  # whether it may refer to an upload


def of_field(field: msgspec.structs.FieldInfo, *, assigned: bool) -> Column:
    """Return the column of a field. The server gives an assigned one a value, so that it is never null."""
    found = inspect.type_info(without_null(field.type))
    extra = (found.extra or {}) if isinstance(found, inspect.Metadata) else {}
    kind, max_chars = _kind(found.type if isinstance(found, inspect.Metadata) else found)
    default = field.default_factory() if callable(field.default_factory) else field.default
    default = None if default is msgspec.NODEFAULT else default
    plain = _plain(without_null(field.type))
    return Column(
        field.name,
        kind,
        max_chars,
        nullable=not (field.required or assigned or default is not None),
        default=default,
        choices=get_args(plain) if get_origin(plain) is Literal else (),
        is_upload="upload" in extra,
    )


def _kind(found: inspect.Type) -> tuple[Kind, int | None]:
    if isinstance(found, inspect.LiteralType):
        return "line", MAX_CHOICE_CHARS
    if isinstance(found, inspect.StrType):
        limit = found.max_length
        return ("line" if limit is not None and limit < MAX_LINE_CHARS else "text"), limit
    return _KINDS[type(found)], None


def of_view(field: msgspec.structs.FieldInfo, column: Column) -> Any:  # noqa: ANN401 - a type
    """Return the type of a field in responses: its type and description, without the rules for input."""
    kind = without_null(field.type)
    plain = _plain(kind)
    texts = [each.description for each in getattr(kind, "__metadata__", ()) if each.description]
    found = described(plain, texts[-1]) if texts else plain
    return with_null(found) if column.nullable else found


def _plain(kind: Any) -> Any:  # noqa: ANN401 - likewise
    """Return a type without rules and descriptions."""
    bare = kind.__origin__ if hasattr(kind, "__metadata__") else kind
    return list[str] if get_origin(bare) is list else bare


def without_null(kind: Any) -> Any:  # noqa: ANN401 - a type
    """Return a type without the alternatives null and unset."""
    options = [each for each in _options(kind) if each not in (type(None), UnsetType)]
    return options[0]


def with_null(kind: Any) -> Any:  # noqa: ANN401 - likewise
    """Return a type that may also be null."""
    return Union[without_null(kind), None]  # noqa: UP007 - the type is a value


def with_unset(kind: Any) -> Any:  # noqa: ANN401 - likewise
    """Return a type that may also be left out."""
    return Union[kind, UnsetType]  # noqa: UP007 - likewise


def described(kind: Any, description: str) -> Any:  # noqa: ANN401 - likewise
    """Return a type with a description."""
    return Annotated[kind, Meta(description=description)]


def _options(kind: Any) -> tuple[Any, ...]:  # noqa: ANN401 - likewise
    return get_args(kind) if type(None) in get_args(kind) or get_origin(kind) is Union else (kind,)
