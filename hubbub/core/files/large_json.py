"""Reads a large JSON document part by part, without decoding it as a whole.

A decoder of the whole needs many times its size in memory, and no other thread runs until it has finished.
Here only the boundaries of the parts are found; the decoder of each part checks what is inside of it.
"""

import re
from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

import msgspec

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^\s,\[\]{}:"]++')
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
_MAX_NAME_BYTES = 1000  # of a member


class Malformed(ValueError):
    """The document is not JSON."""


class TooComplex(ValueError):
    """A part is larger than permitted, or consists of too many values."""


class Limits(NamedTuple):
    """Limits of a part: its bytes; its texts and brackets together."""

    max_bytes: int
    max_tokens: int


class Reader:
    """A position in a document, from its start to its end. All methods raise Malformed and TooComplex."""

    def __init__(self, data: bytes | mmap, limits: Limits) -> None:
        self._data = data  # the document
        self._limits = limits  # of each value
        self._position = 0  # of the next byte

    def members(self) -> Iterator[str]:
        """Yield the names of the members of an object. Read the value of each before the next one."""
        for _ in self._separated(b"{", b"}"):
            name = self._match(_STRING, _MAX_NAME_BYTES)
            self._expect(b":")
            yield _decode_name(name)

    def elements(self) -> Iterator[bytes]:
        """Yield the text of each element of an array."""
        for _ in self._separated(b"[", b"]"):
            yield self.value()

    def value(self) -> bytes:
        """Return the text of the next value."""
        first = self.peek()
        if first not in (b"{", b"["):
            return self._match(_STRING if first == b'"' else _SCALAR, self._limits.max_bytes)
        start, self._position = self._position, self._end_of_container()
        return self._data[start : self._position]

    def peek(self) -> bytes:
        """Return the first character of what comes next; nothing at the end."""
        found = _SPACE.match(self._data, self._position)
        self._position = found.end() if found is not None else self._position
        return self._data[self._position : self._position + 1]

    def _separated(self, opening: bytes, closing: bytes) -> Iterator[None]:
        """Yield before each of the parts between commas."""
        self._expect(opening)
        if self.peek() == closing:
            self._position += 1
            return
        while True:
            yield
            separator = self.peek()
            self._position += 1
            if separator == closing:
                return
            if separator != b",":
                raise Malformed

    def _expect(self, character: bytes) -> None:
        if self.peek() != character:
            raise Malformed
        self._position += 1

    def _match(self, pattern: re.Pattern[bytes], max_bytes: int) -> bytes:
        self.peek()
        found = pattern.match(self._data, self._position)
        if found is None:
            raise Malformed
        if found.end() - found.start() > max_bytes:
            raise TooComplex
        self._position = found.end()
        return found[0]

    def _end_of_container(self) -> int:
        """Return the end of an object or array. The kinds of brackets are compared by its decoder."""
        start, depth = self._position, 0
        for count, token in enumerate(_TOKEN.finditer(self._data, start)):
            if count > self._limits.max_tokens or token.end() - start > self._limits.max_bytes:
                raise TooComplex
            first = self._data[token.start()]
            if first != 0x22:  # noqa: PLR2004 - a quotation mark
                depth += 1 if first in b"[{" else -1
                if depth == 0:
                    return token.end()
        raise Malformed


def _decode_name(text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=str)
    except ValueError:
        raise Malformed from None
