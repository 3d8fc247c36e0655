"""Code spans in the text of a block, as CommonMark 0.31 defines them, in time proportional to its length."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_SPECIAL = re.compile(r"\\[!-/:-@\[-`{-~]|`+|<")
_RUN = re.compile(r"`+")
_AUTOLINK = re.compile(
    r"<(?:[A-Za-z][A-Za-z0-9.+-]{1,31}:[^<>\x00-\x20]*+"
    r"|[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]++@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*+)>"
)
_SPACE = r"[ \t\n]*+"
_VALUE = rf"""{_SPACE}={_SPACE}(?:[^"'=<>`\x00-\x20]++|'[^']*+'|"[^"]*+")"""
_TAG = re.compile(
    rf"<(?:[A-Za-z][A-Za-z0-9-]*+(?:[ \t\n]++[a-zA-Z_:][a-zA-Z0-9:._-]*+(?:{_VALUE})?+)*+{_SPACE}/?"
    rf"|/[A-Za-z][A-Za-z0-9-]*+{_SPACE})>"
)
_DECLARATION = re.compile(r"<![A-Za-z]")
# HTML from one text to another.
_OPAQUE = (("<!--", "-->"), ("<?", "?>"), ("<![CDATA[", "]]>"))


class Piece(NamedTuple):
    """A part of a message. `code` is "span", "block", or None for text."""

    text: str
    code: str | None = None


def spans(text: str) -> Iterator[Piece]:
    """The text and the code spans of a block. Addresses in `<>` and HTML tags hold no code."""
    if "`" not in text:
        yield Piece(text)
        return
    runs: dict[int, list[int]] = {}
    for run in _RUN.finditer(text):
        runs.setdefault(len(run[0]), []).append(run.start())
    endless: set[str] = set()
    begin = at = 0
    while found := _SPECIAL.search(text, at):
        at = found.end()
        if found[0] == "<":
            at = _html_end(text, found.start(), endless) or at
        elif found[0][0] == "`":
            starts = runs.get(at - found.start(), [])
            closing = bisect_right(starts, found.start())
            if closing < len(starts):
                yield Piece(text[begin : found.start()])
                yield Piece(_content(text[at : starts[closing]]), "span")
                begin = at = starts[closing] + at - found.start()
    yield Piece(text[begin:])


def _content(code: str) -> str:
    code = code.replace("\n", " ")
    return code[1:-1] if code.strip(" ") and code[0] == code[-1] == " " else code


def _html_end(text: str, at: int, endless: set[str]) -> int | None:
    """The end of the address in `<>` or of the HTML tag that begins here, if one does.

    `endless` keeps what ends nowhere, so that it is searched for once.
    """
    if found := _AUTOLINK.match(text, at) or _TAG.match(text, at):
        return found.end()
    if text.startswith(("<!-->", "<!--->"), at):
        return text.index(">", at) + 1
    for first, last in _OPAQUE:
        if text.startswith(first, at):
            return _after(text, last, at + len(first), endless)
    return _after(text, ">", at, endless) if _DECLARATION.match(text, at) else None


def _after(text: str, last: str, at: int, endless: set[str]) -> int | None:
    if last in endless:
        return None
    end = text.find(last, at)
    if end < 0:
        endless.add(last)
        return None
    return end + len(last)
