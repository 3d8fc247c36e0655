"""Describes the faults of a payload, field by field, in sentences for users. Only for rejections: it is slow.

msgspec decides what is valid, and stops at the first fault, with its own texts. This module walks the same
types and describes every fault.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import cache, partial
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Meta, inspect

MAX_FAULTS = 50  # faults of one refusal
MAX_NAME_CHARS = 100  # characters of a name from the client that are repeated
REQUIRED = "This field is required."
UNKNOWN = "There is no such field."
NOT_TEXT = "Must not contain characters that are not text, such as NUL."
NOT_VALID = "This value is not valid."
NOT_ID = "Must be an id, such as 01890a5d-ac96-774b-bcce-b302099a8057."
NOT_ID_NAME = "Each name must be an id, such as 01890a5d-ac96-774b-bcce-b302099a8057."
NOT_DATE = "Must be a date, such as 2026-01-31."
NOT_DATETIME = "Must be a date and time with a time zone, such as 2026-01-31T12:00:00Z."

Check = Callable[[Any], str | None]  # a value of the right type → its fault as a sentence, or None


class Fault(NamedTuple):
    """A field by its path, such as `member_ids[3]`, and the reason."""

    field: str
    reason: str


def check_extra(function: Check) -> dict[str, Check]:
    """Return the `extra` of a type's Meta, for rules that other constraints can't express."""
    return {"check": function}


@cache
def field_checks(kind: type[msgspec.Struct]) -> tuple[tuple[str, Check], ...]:
    """Return the checks of a struct's own fields and of items of lists, by the names in Python."""
    return tuple((field.name, check) for field in _fields(kind) for check in _checks_of(field.type))


@cache
def text_fields(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """Return the names of a struct's fields that may contain text of a client."""
    return tuple(field.name for field in _fields(kind) if _may_contain_text(field.type))


_TYPES_WITHOUT_TEXT = (
    *(inspect.UUIDType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.NoneType),
    *(inspect.LiteralType, inspect.EnumType, inspect.DateTimeType, inspect.DateType),
)


def _may_contain_text(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.Metadata):
        return _may_contain_text(kind.type)
    if isinstance(kind, inspect.UnionType):
        return any(map(_may_contain_text, kind.types))
    if isinstance(kind, inspect.ListType):
        return _may_contain_text(kind.item_type)
    return not isinstance(kind, _TYPES_WITHOUT_TEXT)


def _checks_of(kind: inspect.Type) -> Iterator[Check]:
    for each in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        if isinstance(each, inspect.Metadata) and each.extra and "check" in each.extra:
            yield each.extra["check"]
        bare = each.type if isinstance(each, inspect.Metadata) else each
        if isinstance(bare, inspect.ListType):
            yield from (partial(_first_fault, check) for check in _checks_of(bare.item_type))


def _first_fault(check: Check, items: Iterable[Any]) -> str | None:
    return next((fault for item in items if (fault := check(item)) is not None), None)


def find(kind: type[msgspec.Struct], raw: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Return the faults of a decoded JSON object, at most `MAX_FAULTS`; empty if none are known here."""
    found = []
    for fault in _struct(kind, raw, ""):
        found.append(fault)
        if len(found) == MAX_FAULTS:
            break
    return tuple(found)


@cache
def _fields(kind: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - a struct is described as one
    return described.fields


def _struct(kind: type[msgspec.Struct], raw: Mapping[str, Any], path: str) -> Iterator[Fault]:
    fields = _fields(kind)
    for field in fields:
        name = f"{path}.{field.encode_name}" if path else field.encode_name
        if field.encode_name in raw:
            yield from _value(field.type, raw[field.encode_name], name)
        elif field.required:
            yield Fault(name, REQUIRED)
    if kind.__struct_config__.forbid_unknown_fields:
        known = {field.encode_name for field in fields}
        for name in raw:
            if name not in known:
                yield Fault(f"{path}.{shortened(name)}" if path else shortened(name), UNKNOWN)


def _value(kind: inspect.Type, value: object, path: str) -> Iterator[Fault]:
    """Yield the faults of a value or of its items."""
    constraint: inspect.Metadata | None = None
    if isinstance(kind, inspect.AnyType):
        return
    if isinstance(kind, inspect.UnionType):  # of one kind and null
        if value is None:
            return
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    if isinstance(kind, inspect.Metadata):
        constraint, kind = kind, kind.type
    if value is None:
        yield Fault(path, REQUIRED)
        return
    found = _WALKERS[type(kind)](kind, value, path)
    yield from found if constraint is None else _constraint_faults(constraint, found, value, path)


def _constraint_faults(
    constraint: inspect.Metadata, found: Iterator[Fault], value: object, path: str
) -> Iterator[Fault]:
    """Yield the faults; those of a pattern with its description, then the fault of the type's check."""
    schema = constraint.extra_json_schema or {}
    described = schema.get("rule") or schema.get("description", NOT_VALID)
    function: Check = (constraint.extra or {}).get("check", _no_check)
    has_faults = False
    for fault in found:
        has_faults = True
        yield Fault(fault.field, described) if fault.reason == NOT_VALID else fault
    if not has_faults and (reason := function(value)) is not None:
        yield Fault(path, reason)


def _no_check(_: object) -> None:
    """Accept any value: the check of a type without one."""


def _str(kind: inspect.StrType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield Fault(path, "Must be text.")
    elif kind.min_length is not None and len(value) < kind.min_length:
        minimum = f"Must have at least {kind.min_length} characters."
        yield Fault(path, "Must not be empty." if kind.min_length == 1 else minimum)
    elif kind.max_length is not None and len(value) > kind.max_length:
        yield Fault(path, f"Must have at most {kind.max_length} characters.")
    elif not is_text(value):
        yield Fault(path, NOT_TEXT)
    elif kind.pattern is not None and not re.search(kind.pattern, value):
        yield Fault(path, NOT_VALID)


def _int(kind: inspect.IntType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, int) or isinstance(value, bool):
        yield Fault(path, "Must be a whole number.")
    elif kind.ge is not None and value < kind.ge:
        yield Fault(path, "Must not be negative." if kind.ge == 0 else f"Must be at least {kind.ge}.")
    elif kind.le is not None and value > kind.le:
        yield Fault(path, f"Must be at most {kind.le}.")


def _float(kind: inspect.FloatType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, int | float) or isinstance(value, bool):
        yield Fault(path, "Must be a number.")
    elif kind.ge is not None and value < kind.ge:
        yield Fault(path, "Must not be negative." if kind.ge == 0 else f"Must be at least {kind.ge:g}.")
    elif kind.le is not None and value > kind.le:
        yield Fault(path, f"Must be at most {kind.le:g}.")


def _bool(_: inspect.BoolType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield Fault(path, "Must be true or false.")


def _literal(kind: inspect.LiteralType, value: object, path: str) -> Iterator[Fault]:
    if value not in kind.values:
        yield Fault(path, f"Must be one of: {', '.join(map(str, kind.values))}.")


def _uuid(_: inspect.UUIDType, value: object, path: str) -> Iterator[Fault]:
    if not _converts(value, UUID):
        yield Fault(path, NOT_ID)


def _datetime(_: inspect.DateTimeType, value: object, path: str) -> Iterator[Fault]:
    if not _converts(value, Annotated[datetime, Meta(tz=True)]):
        yield Fault(path, NOT_DATETIME)


def _date(_: inspect.DateType, value: object, path: str) -> Iterator[Fault]:
    if not _converts(value, date):
        yield Fault(path, NOT_DATE)


def _list(kind: inspect.ListType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield Fault(path, "Must be a list.")
    elif kind.min_length is not None and len(value) < kind.min_length:
        yield Fault(path, f"Must have at least {_items(kind.min_length)}.")
    elif kind.max_length is not None and len(value) > kind.max_length:
        yield Fault(path, f"Must have at most {_items(kind.max_length)}.")
    else:
        for index, item in enumerate(value):
            yield from _value(kind.item_type, item, f"{path}[{index}]")


_KEY_REASONS: dict[type[inspect.Type], str] = {inspect.UUIDType: NOT_ID_NAME, inspect.StrType: NOT_TEXT}


def _dict(kind: inspect.DictType, value: object, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield Fault(path, "Must be an object.")
    elif kind.max_length is not None and len(value) > kind.max_length:
        yield Fault(path, f"Must have at most {_items(kind.max_length)}.")
    else:
        for name, item in value.items():
            named = f"{path}.{shortened(name)}"
            if any(_value(kind.key_type, name, named)):
                yield Fault(named, _KEY_REASONS.get(type(kind.key_type), NOT_VALID))
            yield from _value(kind.value_type, item, named)


def _nested(kind: inspect.StructType, value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, dict):
        yield from _struct(kind.cls, value, path)
    else:
        yield Fault(path, "Must be an object.")


_WALKERS: dict[type[inspect.Type], Callable[[Any, object, str], Iterator[Fault]]] = {
    inspect.StrType: _str,
    inspect.IntType: _int,
    inspect.BoolType: _bool,
    inspect.LiteralType: _literal,
    inspect.UUIDType: _uuid,
    inspect.DateTimeType: _datetime,
    inspect.DateType: _date,
    inspect.FloatType: _float,
    inspect.ListType: _list,
    inspect.DictType: _dict,
    inspect.StructType: _nested,
}


def _converts(value: object, kind: Any) -> bool:  # noqa: ANN401 - a type, annotated or not
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError):  # an unpaired surrogate
        return False
    return True


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def shortened(name: str) -> str:
    """Return a client's name in a form that may be repeated."""
    printable = name.encode("utf-8", "replace").decode().replace("\x00", "?")
    return printable if len(printable) <= MAX_NAME_CHARS else printable[:MAX_NAME_CHARS] + "…"


def is_text(value: str) -> bool:
    """Return whether a database can store the text: no NUL, no unpaired surrogate."""
    if "\x00" in value:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
