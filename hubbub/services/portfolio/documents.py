"""Reads the document of an import, item by item, and finds all that is wrong with it without the database."""

from collections.abc import Iterator
from mmap import mmap
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from hubbub.core.errors import InvalidPayload
from hubbub.core.files.large_json import Limits, Malformed, Reader, TooComplex
from hubbub.schemas import faults
from hubbub.schemas.base import NOT_OBJECT, Command, parse, strict
from hubbub.schemas.faults import Fault
from hubbub.schemas.portfolio import profile, transfer
from hubbub.schemas.portfolio.resource import MAX_CONTENT_BODY_BYTES, MAX_ITEMS, Resource
from hubbub.schemas.portfolio.resources import BY_NAME

if TYPE_CHECKING:
    from uuid import UUID

MAX_FAULTS = 100  # beyond them the rest is not read
# An item with all its fields has less than 300 texts and brackets.
LIMITS = Limits(MAX_CONTENT_BODY_BYTES, 1000)
TOO_LARGE = f"Must have at most {MAX_CONTENT_BODY_BYTES >> 10} KiB."
TOO_MANY = f"Must have at most {MAX_ITEMS} items."
TWICE = "This field is there twice."
SAME_ID = "Another item of the document has the same id."
NOT_LIST = "Must be a list."
WRONG_VERSION = f"Must be {transfer.VERSION}."
_WRAPPER = "data"  # the member of a response that contains the document
_IGNORED_IN_PROFILE = ("avatar",)


class DocumentItem(NamedTuple):
    """An item of a document: its path, such as `projects[3]`, and its fields."""

    path: str
    fields: Any  # of the type `transfer.imported_item`


class Document(NamedTuple):
    """What a document contains. With faults it is not complete."""

    profile: Command | None
    items: dict[str, list[DocumentItem]]  # by resource
    faults: list[Fault]


def read(data: bytes | mmap) -> Document:
    """Read a document, also the response that contains one. Call it in a thread.

    Raises Malformed if it is not JSON.
    """
    reader, found = Reader(data, LIMITS), _Collector()
    try:
        found.read_members(reader, may_be_wrapped=True)
        if reader.peek():
            raise Malformed
        found.require_version()
    except _Stopped:
        pass
    return found.result()


class _Stopped(Exception):
    """The rest of a document is not read, because of its faults."""


class _Collector:
    """Collects the parts of a document."""

    def __init__(self) -> None:
        self._profile: Command | None = None
        self._items: dict[str, list[DocumentItem]] = {}  # by resource
        self._faults: list[Fault] = []
        self._names: set[str] = set()  # of the members that were read

    def result(self) -> Document:
        return Document(self._profile, self._items, self._faults)

    def read_members(self, reader: Reader, *, may_be_wrapped: bool = False) -> None:
        """Read the members of the document."""
        if reader.peek() != b"{":
            _decode(self._next(reader, ""))
            self._add("", NOT_OBJECT)
            return
        for name in reader.members():
            if may_be_wrapped and name == _WRAPPER and not self._names and reader.peek() == b"{":
                self.read_members(reader)
                continue
            if name in self._names:
                self._add(name, TWICE, stops=True)
            self._names.add(name)
            self._read_member(reader, name)

    def require_version(self) -> None:
        """Report a missing version, unless something else is wrong with the whole."""
        if "version" not in self._names and not self._faults:
            self._add("version", faults.REQUIRED)

    def _read_member(self, reader: Reader, name: str) -> None:
        if (resource := BY_NAME.get(name)) is not None:
            self._read_items(reader, resource)
            return
        value = _decode(self._next(reader, name))
        if name == "version":
            if value != transfer.VERSION or isinstance(value, bool):
                self._add(name, WRONG_VERSION)
        elif name == "profile":
            self._read_profile(value)
        else:
            self._add(faults.shortened(name), faults.UNKNOWN)

    def _read_profile(self, value: object) -> None:
        if value is None:
            return
        if isinstance(value, dict):
            value = {name: each for name, each in value.items() if name not in _IGNORED_IN_PROFILE}
        self._profile = self._parse(strict(profile.UpdateProfile), value, "profile")

    def _read_items(self, reader: Reader, resource: Resource) -> None:
        if reader.peek() != b"[":
            self._next(reader, resource.name)
            self._add(resource.name, NOT_LIST)
            return
        items = self._items[resource.name] = []
        kind = transfer.imported_item(resource)
        read_only = resource.relation.field if resource.relation is not None else None
        ids: set[UUID] = set()
        for position, text in enumerate(self._elements(reader, resource)):
            path = f"{resource.name}[{position}]"
            value = _decode(text)
            if isinstance(value, dict):
                value = {name: each for name, each in value.items() if name != read_only}
            if (fields := self._parse(kind, value, path)) is None:
                continue
            if fields.id in ids:
                self._add(f"{path}.id", SAME_ID)
            elif fields.id is not None:
                ids.add(fields.id)
            items.append(DocumentItem(path, fields))

    def _elements(self, reader: Reader, resource: Resource) -> Iterator[bytes]:
        elements, position = reader.elements(), 0
        while True:
            try:
                text = next(elements, None)
            except TooComplex:
                self._add(f"{resource.name}[{position}]", TOO_LARGE, stops=True)
            if text is None:
                return
            if position == MAX_ITEMS:
                self._add(resource.name, TOO_MANY, stops=True)
            position += 1
            yield text

    def _next(self, reader: Reader, name: str) -> bytes:
        try:
            return reader.value()
        except TooComplex:
            self._add(faults.shortened(name), TOO_LARGE, stops=True)
            raise

    def _parse(self, kind: type[Command], value: object, path: str) -> Any:  # noqa: ANN401 - of the kind
        try:
            return parse(kind, value)
        except InvalidPayload as error:
            for name, reason in error.fields or (("", error.message),):
                self._add(f"{path}.{name}" if name else path, reason)
            return None

    def _add(self, field: str, reason: str, *, stops: bool = False) -> None:
        self._faults.append(Fault(field, reason))
        if stops or len(self._faults) >= MAX_FAULTS:
            raise _Stopped


def _decode(text: bytes) -> object:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise Malformed from None
