"""Code spans in the text of a block, as in CommonMark 0.31, in time linear in its length."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_MARKUP = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<")
_BACKTICK_RUN = re.compile(r"`+")
_AUTOLINK = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\x00-\x20]*+"
    r"|[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*+)>"
)
_WHITESPACE = r"[ \t\n]*+"
_ATTRIBUTE = rf"""{_WHITESPACE}={_WHITESPACE}(?:[^"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+")"""
_TAG = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*+(?:[ \t\n]++[a-zA-Z_:][a-zA-Z0-9:._-]*+(?:{_ATTRIBUTE})?+)*+{_WHITESPACE}/?"
    rf"|/[A-Za-z][A-Za-z0-9-]*+{_WHITESPACE})>"
)
_DECLARATION = re.compile(r"<![A-Za-z]")
# HTML that is delimited by two texts.
_DELIMITED_HTML = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"))


class Piece(NamedTuple):
    """A part of a message. `code` is "span", "block", or None for text."""

    text: str
    code: str | None = None


def spans(text: str) -> Iterator[Piece]:
    """Yield the text and the code spans of a block. Autolinks and HTML tags contain no code."""
    if "`" not in text:
        yield Piece(text)
        return
    runs: dict[int, list[int]] = {}
    for run in _BACKTICK_RUN.finditer(text):
        runs.setdefault(len(run[0]), []).append(run.start())
    unterminated: set[str] = set()
    start = position = 0
    while found := _MARKUP.search(text, position):
        position = found.end()
        if found[0] == "<":
            position = _html_end(text, found.start(), unterminated) or position
        elif found[0][0] == "`":
            starts = runs.get(position - found.start(), [])
            closing = bisect_right(starts, found.start())
            if closing < len(starts):
                yield Piece(text[start : found.start()])
                yield Piece(_span_content(text[position : starts[closing]]), "span")
                start = position = starts[closing] + position - found.start()
    yield Piece(text[start:])


def _span_content(code: str) -> str:
    code = code.replace("\n", " ")
    return code[1:-1] if code.strip(" ") and code[0] == code[-1] == " " else code


def _html_end(text: str, position: int, unterminated: set[str]) -> int | None:
    """Return the end of the autolink or HTML tag that begins here, None if there is none.

    `unterminated` holds the terminators that do not occur any more, so that each is searched for once.
    """
    if found := _AUTOLINK.match(text, position) or _TAG.match(text, position):
        return found.end()
    if text.startswith(("<!-->", "<!--->"), position):
        return text.index(">", position) + 1
    for opening, terminator in _DELIMITED_HTML:
        if text.startswith(opening, position):
            return _end_after(text, terminator, position + len(opening), unterminated)
    return _end_after(text, ">", position, unterminated) if _DECLARATION.match(text, position) else None


def _end_after(text: str, terminator: str, position: int, unterminated: set[str]) -> int | None:
    if terminator in unterminated:
        return None
    end = text.find(terminator, position)
    if end < 0:
        unterminated.add(terminator)
        return None
    return end + len(terminator)
