"""Separates code from text in a message: CommonMark's fenced code blocks, and code spans in other blocks.

Of the other blocks, only those are parsed that end a paragraph or contain a fence: quotes, lists, headings,
breaks. HTML blocks, link definitions and indented code count as text. The time is linear in the length.
`http/playground/code.js` is the same in JavaScript.
"""

import re
from bisect import bisect_right
from typing import NamedTuple

from hubbub.core.text.code_spans import Piece, spans

QUOTE = -1  # instead of the columns that a list item needs
CODE_INDENT_COLUMNS = 4  # columns of indent from which on a line opens no block
CONTENT_PADDING_COLUMNS = 5  # columns after a list marker from which on they are part of the content
TAB_COLUMNS = 4

_WHITESPACE = re.compile(r"[ \t]+")
_LINE_END = re.compile(r"\r\n|\n|\r")
_HEADING = re.compile(r"#{1,6}(?=[ \t]|$)")
_FENCE = re.compile(r"`{3,}+(?!.*`)|~{3,}")
_SETEXT_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_LIST_MARKER = re.compile(r"(?:[*+-]|(\d{1,9})[.)])(?=[ \t]|$)")
_BREAK_MARKS = "*-_"  # several of one of them, and nothing else, are a thematic break
_MIN_BREAK_MARKS = 3


def without_code(body: str) -> str:
    """Return the text of a message with a space in place of code, without markers of quotes and lists."""
    if "`" not in body and "~~~" not in body:
        return body
    return "".join(" " if piece.code else piece.text for piece in pieces(body))


def pieces(body: str) -> list[Piece]:
    """Return the text and the code of a message, in order. Each block of text ends with a line end."""
    scanner = _Scanner()
    for line in _LINE_END.split(body):
        scanner.feed(line)
    scanner.close_block()
    return scanner.pieces


class _Line:
    """A line and the position up to which it is read. Columns count a tab as up to four."""

    __slots__ = ("_has_tab", "_mark_tails", "at", "column", "indent", "is_blank", "next_at", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0  # the position
        self.column = 0  # of the position
        self._has_tab = "\t" in text
        self._mark_tails: dict[str, int] | None = None  # mark → where only marks and white space follow
        self._find_next()

    def _find_next(self) -> None:
        """Find the next character that is not white space: its position, and its distance in columns."""
        found = _WHITESPACE.match(self.text, self.at)
        self.next_at = found.end() if found else self.at
        self.is_blank = self.next_at == len(self.text)
        self.indent = self.next_at - self.at
        if self._has_tab:
            column = self.column
            for character in self.text[self.at : self.next_at]:
                column += TAB_COLUMNS - column % TAB_COLUMNS if character == "\t" else 1
            self.indent = column - self.column

    @property
    def rest(self) -> str:
        return self.text[self.at :]

    def skip_columns(self, columns: int) -> None:
        """Skip white space. A part of a tab may remain."""
        columns = min(columns, self.indent)
        self.indent -= columns
        end = self.column + columns
        if not self._has_tab:
            self.at += columns
            self.column = end
        while self.column < end:
            width = TAB_COLUMNS - self.column % TAB_COLUMNS if self.text[self.at] == "\t" else 1
            self.column += min(width, end - self.column)
            self.at += width == 1 or self.column % TAB_COLUMNS == 0

    def advance(self, length: int) -> None:
        """Read to the next character that is not white space, and `length` characters more."""
        self.column += self.indent + length
        self.at = self.next_at + length
        self._find_next()

    @property
    def is_break(self) -> bool:
        """Whether the rest is a thematic break."""
        mark = self.text[self.next_at]
        if mark not in _BREAK_MARKS:
            return False
        if self._mark_tails is None:
            self._mark_tails = {}
        if mark not in self._mark_tails:  # for all markers of nested lists in this line
            self._mark_tails[mark] = len(self.text.rstrip(f"{mark} \t"))
        is_only_marks = self.next_at >= self._mark_tails[mark]
        return is_only_marks and self.text.count(mark, self.next_at) >= _MIN_BREAK_MARKS


class _Fence(NamedTuple):
    mark: str
    indent: int
    lines: list[str]

    def closes(self, line: _Line) -> bool:
        """Return whether a line ends the block: at least as many marks, and nothing else."""
        if line.indent >= CODE_INDENT_COLUMNS:
            return False
        rest = line.text[line.next_at :].rstrip(" \t")
        return len(rest) >= len(self.mark) and not rest.strip(self.mark[0])


class _Scanner:
    """The open blocks: containers (columns of an item, or QUOTE), and a fence or a paragraph."""

    def __init__(self) -> None:
        self.containers: list[int] = []  # for each: the columns that its content needs, or QUOTE
        self.quote_indexes: list[int] = []  # positions of quotes among the containers
        self.is_empty = False  # whether the last container is an item without content
        self.fence: _Fence | None = None  # the open fenced code block
        self.paragraph: list[str] = []  # lines of the open paragraph
        self.pieces: list[Piece] = []  # of the closed blocks

    def close_block(self) -> None:
        """Close the open fence or paragraph."""
        if self.fence is not None:
            self.pieces.append(Piece("\n".join(self.fence.lines), "block"))
            self.fence = None
        if self.paragraph:
            self.pieces += spans("\n".join(self.paragraph))
            self.pieces.append(Piece("\n"))
            self.paragraph = []

    def feed(self, text: str) -> None:
        """Read the next line."""
        line = _Line(text)
        matched = self._match_containers(line)
        if self.fence is not None:
            if matched == len(self.containers):
                self._continue_fence(self.fence, line)
                return
            self.close_block()
        self._open_blocks(line, matched)

    def _match_containers(self, line: _Line) -> int:
        """Return how many of the containers continue in this line."""
        index = 0
        while index < len(self.containers):
            needed = self.containers[index]
            if line.is_blank and needed != QUOTE:  # all items up to the next quote, except an empty one
                after = bisect_right(self.quote_indexes, index)
                index = self.quote_indexes[after] if after < len(self.quote_indexes) else len(self.containers)
                if index == len(self.containers) and self.is_empty:
                    return index - 1
            elif needed == QUOTE and self._is_quote(line):
                self._consume_quote(line)
                index += 1
            elif needed != QUOTE and line.indent >= needed:
                line.skip_columns(needed)
                index += 1
            else:
                break
        return index

    @staticmethod
    def _is_quote(line: _Line) -> bool:
        return not line.is_blank and line.indent < CODE_INDENT_COLUMNS and line.text[line.next_at] == ">"

    @staticmethod
    def _consume_quote(line: _Line) -> None:
        line.advance(1)
        line.skip_columns(1)

    def _continue_fence(self, fence: _Fence, line: _Line) -> None:
        if fence.closes(line):
            self.close_block()
        else:
            line.skip_columns(fence.indent)
            fence.lines.append(line.rest)

    def _close_containers(self, matched: int) -> None:
        """Close the paragraph, and the containers that do not continue."""
        self.close_block()
        if matched < len(self.containers):
            self.is_empty = False
            del self.containers[matched:]
            del self.quote_indexes[bisect_right(self.quote_indexes, matched - 1) :]

    def _push_container(self, needed: int) -> None:
        if needed == QUOTE:
            self.quote_indexes.append(len(self.containers))
        self.containers.append(needed)
        self.is_empty = needed != QUOTE

    def _open_blocks(self, line: _Line, matched: int) -> None:
        """Open the blocks that begin in this line. Its text continues a paragraph or begins one."""
        continues = bool(self.paragraph) and matched == len(self.containers)
        while not line.is_blank and line.indent < CODE_INDENT_COLUMNS:
            if continues and _SETEXT_UNDERLINE.match(line.text, line.next_at):
                self.close_block()
                return
            needed = self._read_container(line, continues=continues)
            if needed is None:
                if self._is_leaf(line):
                    self._close_containers(matched)
                    self._add_leaf(line)
                    return
                break
            self._close_containers(matched)
            self._push_container(needed)
            matched, continues = len(self.containers), False
        if line.is_blank or not self.paragraph:  # otherwise a lazy line continues the paragraph
            self._close_containers(matched)
        if line.is_blank:
            return
        self.is_empty = False
        text = line.text[line.next_at :]
        if line.indent < CODE_INDENT_COLUMNS or self.paragraph:
            self.paragraph.append(text)
        else:  # indented code counts as text, without code spans
            self.pieces.append(Piece(f"{text}\n"))

    @staticmethod
    def _is_leaf(line: _Line) -> bool:
        text, at = line.text, line.next_at
        return line.is_break or bool(_HEADING.match(text, at) or _FENCE.match(text, at))

    def _add_leaf(self, line: _Line) -> None:
        """Begin a fence, or add a heading or a break, which is a block by itself."""
        self.is_empty = False
        if found := _FENCE.match(line.text, line.next_at):
            self.fence = _Fence(found[0], line.indent, [])
        else:
            self.paragraph = [line.text[line.next_at :]]
            self.close_block()

    def _read_container(self, line: _Line, *, continues: bool) -> int | None:
        """Read the marker of a quote or a list item; return the columns of its content, None for neither."""
        if self._is_quote(line):
            self._consume_quote(line)
            return QUOTE
        found = None if line.is_break else _LIST_MARKER.match(line.text, line.next_at)
        if found is None:
            return None
        if continues and (found[1] not in (None, "1") or not line.text[found.end() :].strip(" \t")):
            return None  # such an item does not end a paragraph
        needed = line.indent + len(found[0])
        line.advance(len(found[0]))
        width = 1 if line.is_blank or line.indent >= CONTENT_PADDING_COLUMNS else line.indent
        line.skip_columns(width)
        return needed + width
