"""Parses commands and encodes views: one parser and one encoder for both edges."""

from functools import cache
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from msgspec import UNSET

from hubbub.core.errors import InvalidPayload
from hubbub.schemas import faults, normalization

T = TypeVar("T", bound=msgspec.Struct)


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """The input of an operation. Unknown fields are ignored; `strict` makes the variant that rejects them.

    `max_body_bytes` is the maximum size of a decompressed body that contains it. `field_rules` are rules
    between fields, as JSON schemas of the whole object: the API document contains them, operations check
    them. Fields of a kind that `is_normalized` are trimmed before they are checked.
    """

    is_normalized: ClassVar[bool] = False
    max_body_bytes: ClassVar[int] = 128 << 10
    field_rules: ClassVar[tuple[dict[str, Any], ...]] = ()


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Output for clients. Times are RFC 3339 text."""


encode = msgspec.json.Encoder().encode
decode = msgspec.json.decode
to_builtins = msgspec.to_builtins

NOT_OBJECT = "A JSON object is required."
ONE_OBJECT = "An event takes one JSON object."
NAME_NOT_TEXT = "The name of a field contains characters that are not text."


def parse(kind: type[T], raw: object) -> T:
    """Turn decoded JSON into a command.

    Raises InvalidPayload that names all invalid fields. Text that no database stores (NUL, unpaired
    surrogates) is rejected here, so that it is an error of the client and not an internal one.
    """
    if isinstance(raw, dict) and getattr(kind, "is_normalized", False):
        raw = normalization.normalize(kind, raw)
    try:
        command = msgspec.convert(raw, kind, strict=True)
    except (msgspec.ValidationError, UnicodeEncodeError):  # an unpaired surrogate, in the name of a field
        raise _invalid_payload(kind, raw) from None
    if not _is_valid(command):
        raise _invalid_payload(kind, raw)
    return command


def _is_valid(command: msgspec.Struct) -> bool:
    """Return whether a converted command contains only text and passes the checks of its fields."""
    for name in faults.text_fields(type(command)):
        if not _is_text(getattr(command, name)):
            return False
    for name, check in faults.field_checks(type(command)):
        value = getattr(command, name)
        if value is not None and value is not UNSET and check(value) is not None:
            return False
    return True


def _is_text(value: object) -> bool:
    if isinstance(value, str):
        return faults.is_text(value)
    if isinstance(value, (list, tuple)):
        return all(map(_is_text, value))
    return _is_valid(value) if isinstance(value, msgspec.Struct) else True


def _invalid_payload(kind: type[msgspec.Struct], raw: object) -> InvalidPayload:
    if not isinstance(raw, dict):
        return InvalidPayload(NOT_OBJECT)
    found = faults.find(kind, raw)
    return InvalidPayload(None if found else NAME_NOT_TEXT, fields=found)


class EventDecoder(Generic[T]):
    """Decodes the JSON text of an event, `["name", { … }]`, straight into its command.

    Unknown fields are dropped without being decoded. Calls raise InvalidPayload as `parse` does, and
    ValueError for text that only a lenient parser accepts as JSON.
    """

    __slots__ = ("_checked", "_decode", "_kind")

    def __init__(self, kind: type[T]) -> None:
        call_type = msgspec.defstruct("Call", [("name", str), ("payload", kind)], array_like=True)
        self._decode: Any = msgspec.json.Decoder(call_type).decode
        self._kind = kind
        # Whether the kind has fields that msgspec does not check completely.
        self._checked = bool(faults.text_fields(kind) or faults.field_checks(kind))

    def __call__(self, text: str | bytes) -> T:
        try:
            command: T = self._decode(text).payload
        except msgspec.ValidationError:
            pass
        else:
            if not self._checked or _is_valid(command):
                return command
        return parse(self._kind, self._known_fields(text))  # of a repeated name, the last value counts

    def _known_fields(self, text: str | bytes) -> dict[str, object]:
        """Return the command's own fields. Raises InvalidPayload for anything but an object, ValueError."""
        try:
            raw_fields = _decode_object(_decode_call(text)[1])
        except (msgspec.ValidationError, IndexError):
            raise InvalidPayload(ONE_OBJECT) from None
        names = self._kind.__struct_fields__
        return {name: msgspec.json.decode(raw) for name, raw in raw_fields.items() if name in names}


_decode_call = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@cache
def strict(kind: type[T]) -> type[T]:
    """Return a variant of the command that rejects unknown fields: REST uses it, so that typos are found."""
    strict_kind: Any = msgspec.defstruct(
        kind.__name__, [], bases=(kind,), frozen=True, kw_only=True, forbid_unknown_fields=True
    )
    return strict_kind  # type: ignore[no-any-return]
