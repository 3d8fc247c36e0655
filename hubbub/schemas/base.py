"""Reading commands and writing views: one parser and one encoder for both edges."""

import re
from functools import cache
from typing import Any, ClassVar, TypeVar

import msgspec

from hubbub.core.errors import InvalidPayload

T = TypeVar("T", bound=msgspec.Struct)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Unknown fields are ignored; `strict` makes the refusing twin.

    `most_bytes` is how large a body may be that holds one, unpacked.
    """

    most_bytes: ClassVar[int] = 128 << 10


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is shown. Times are RFC 3339 text."""


encode = msgspec.json.Encoder().encode
to_builtins = msgspec.to_builtins

_PATH = re.compile(r" - at `\$\.?([^`]*)`$")
_NAMED = re.compile(r"(?:field|unknown field) `([^`]+)`")


def parse(kind: type[T], raw: object) -> T:
    """Turn decoded JSON into a command.

    Raises InvalidPayload naming the field. Text that no database could keep (NUL, halves of surrogate
    pairs) is refused here, so that it is a client's mistake and not ours.
    """
    try:
        command = msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _refusal(str(error)) from None
    for name in kind.__struct_fields__:
        _check_text(name, getattr(command, name))
    return command


def _check_text(name: str, value: object) -> None:
    if isinstance(value, str):
        if not is_text(value):
            raise InvalidPayload(fields=((name, "Holds a character that is not text."),))
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_text(name, item)
    elif isinstance(value, msgspec.Struct):
        for inner in value.__struct_fields__:
            _check_text(f"{name}.{inner}", getattr(value, inner))


def is_text(value: str) -> bool:
    """Whether a database can keep it: no NUL, no half of a surrogate pair."""
    if "\x00" in value:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refusal(text: str) -> InvalidPayload:
    at = _PATH.search(text)
    said = text[: at.start()] if at else text
    named = _NAMED.search(said)
    field = ".".join(part for part in (at[1] if at else "", named[1] if named else "") if part)
    if not field:
        return InvalidPayload(said)
    return InvalidPayload(f"{field}: {said}", fields=((field, said),))


@cache
def strict(kind: type[T]) -> type[T]:
    """The same command, refusing unknown fields: what REST reads, so that a typo is not lost."""
    twin: Any = msgspec.defstruct(
        kind.__name__, [], bases=(kind,), frozen=True, kw_only=True, forbid_unknown_fields=True
    )
    return twin  # type: ignore[no-any-return]
