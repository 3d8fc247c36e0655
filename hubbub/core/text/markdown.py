"""Markdown of users as HTML and as plain text: CommonMark with tables and without HTML, at a bounded cost.

markdown-it-py parses, nh3 removes what is not on a list. Both are imported at the first use, which saves an
instance without public pages 3 MB.
"""

import re
import time
from functools import cache
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hubbub.core import clock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

MAX_NESTING = 100  # quotes, lists and emphases inside of each other; what is deeper is left out
MAX_TOKENS = 50_000  # of one text; an ordinary one of 100,000 characters has 10,000
MAX_HTML_CHARS = 1 << 20  # of one text; one of 100,000 ordinary characters has 130,000
YIELD_S = 0.001  # processor time after which the thread lets others run
MAX_HEADING_LEVEL = 6

LINK_SCHEMES = frozenset({"http", "https", "mailto", "tel"})
UPLOADS_PATH = "/uploads/"
_TAGS = frozenset(
    {
        *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "em", "strong", "code", "pre", "blockquote"),
        *("ul", "ol", "li", "a", "img", "div", "table", "thead", "tbody", "tr", "th", "td"),
    }
)
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "title", "loading"}, "ol": {"start"}}
_ALIGNMENTS = ("left", "center", "right")
_CLASSES = {"div": {"table"}, "th": set(_ALIGNMENTS), "td": set(_ALIGNMENTS)}
_LINK_REL = "nofollow ugc noopener"
_SETEXT_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_BEFORE_ELLIPSIS = " ,;:.-"  # left out before it
_TEXT_TOKENS = frozenset({"text", "code_inline", "text_special"})
_CODE_TOKENS = frozenset({"fence", "code_block"})
_BREAK_TOKENS = frozenset({"softbreak", "hardbreak"})


class _TooComplex(Exception):
    """The text takes more processor time, or expands to more tokens or characters, than allowed."""


class Budget:
    """The processor time that texts may take together, in the thread that renders them.

    While it is used, the thread lets others run each millisecond, so that an event loop in another thread of
    the process is not delayed by the 5 ms of the interpreter's switch interval.
    """

    def __init__(self, seconds: float) -> None:
        self._deadline = clock.thread_time() + seconds  # of the processor time of this thread
        self._yield_at = 0.0  # likewise

    def check(self) -> None:
        """Let other threads run from time to time. Raises _TooComplex when the time is used up."""
        now = clock.thread_time()
        if now > self._deadline:
            raise _TooComplex
        if now > self._yield_at:
            self._yield_at = now + YIELD_S
            time.sleep(0)


def to_html(text: str, budget: Budget, heading_shift: int = 0) -> str:
    """Return sanitized HTML. Call it in the thread of the budget.

    Headings are `heading_shift` levels deeper than written. Links have the schemes of LINK_SCHEMES, images
    are of https or of `/uploads/`. A text that is too complex for the budget is returned as it was written.
    """
    import nh3  # noqa: PLC0415 - see the module

    try:
        html = _render(text, budget, heading_shift)
    except (_TooComplex, RecursionError):
        return f"<pre>{escape(text)}</pre>"
    return nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes=set(LINK_SCHEMES),
        link_rel=_LINK_REL,
    )


def to_plain_text(text: str, max_chars: int, budget: Budget) -> str:
    """Return the beginning of the text without markup, on one line, with `…` if it was shortened.

    Headings are left out if there is any other text, and blocks of code if there is any text.
    """
    start = text[: 4 * max_chars]
    try:
        tokens = _parse(start, budget)
        headings = {id(after) for token, after in pairwise(tokens) if token.type == "heading_open"}
        inline = [token for token in tokens if token.type == "inline"]
        body = [token for token in inline if id(token) not in headings]
        plain = " ".join(_plain(token.children or ()) for token in body or inline)
        plain = plain or " ".join(token.content for token in tokens if token.type in _CODE_TOKENS)
    except (_TooComplex, RecursionError):
        plain = start
    plain = " ".join(plain.split())
    return shorten(plain if len(start) == len(text) else f"{plain} …", max_chars)


def shorten(text: str, max_chars: int) -> str:
    """Return the beginning of a line of text, with `…` if something is left out.

    It ends with a word, unless that would leave out half of the characters: some scripts have no spaces.
    """
    if len(text) <= max_chars:
        return text
    start = text[: max_chars - 1]
    words = start if text[max_chars - 1] == " " else start.rpartition(" ")[0]
    return f"{(words if len(words) > max_chars // 2 else start).rstrip(_BEFORE_ELLIPSIS) or start}…"


def split_headline(text: str, budget: Budget) -> tuple[str, str]:
    """Return the first line as plain text, and the Markdown after it."""
    first, _, rest = text.strip().partition("\n")
    underline, _, after = rest.partition("\n")
    if _SETEXT_UNDERLINE.fullmatch(underline):
        rest = after
    return to_plain_text(first, max(len(first), 1), budget), rest.strip("\n")


def is_image_url(url: str) -> bool:
    """Return whether pages may load an image from a URL: https, or an upload."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme or parts.netloc:
        return parts.scheme == "https" and bool(parts.netloc)
    return url.startswith(UPLOADS_PATH)


def _render(text: str, budget: Budget, heading_shift: int) -> str:
    tokens = _parse(text, budget)
    for token in tokens:
        _adapt(token, heading_shift)
    html: str = _parser().renderer.render(tokens, _parser().options, {})
    if len(html) > MAX_HTML_CHARS:
        raise _TooComplex
    budget.check()
    return html


def _parse(text: str, budget: Budget) -> "list[Token]":
    tokens = _parser().parse(text, {"budget": budget})
    if len(tokens) > MAX_TOKENS:
        raise _TooComplex
    return tokens


@cache
def _parser() -> "MarkdownIt":
    """Return the parser. It has no state of its own, so that threads share it."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - see the module

    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": MAX_NESTING}).enable("table")
    parser.block.ruler.before("table", "budget", _check_block, {"alt": _INTERRUPTED})
    parser.inline.ruler.before("text", "budget", _check_inline)
    parser.validateLink = _is_permitted_url  # type: ignore[method-assign]
    parser.add_render_rule("table_open", _table_open)
    parser.add_render_rule("table_close", _table_close)
    return parser


# Blocks that other blocks may end. For each of their lines the rules of the other blocks are called.
_INTERRUPTED = ["paragraph", "reference", "blockquote", "list"]


def _check_block(state: Any, _line: int, _end: int, _silent: bool) -> bool:  # noqa: ANN401, FBT001 - a rule of markdown-it-py
    """Check the budget before each block. No block begins here."""
    state.env["budget"].check()
    if len(state.tokens) > MAX_TOKENS:
        raise _TooComplex
    return False


def _check_inline(state: Any, _silent: bool) -> bool:  # noqa: ANN401, FBT001 - a rule of markdown-it-py
    """Check the budget before each part of a paragraph. No part begins here."""
    state.env["budget"].check()
    return False


def _is_permitted_url(url: str) -> bool:
    """Return whether a link may have a URL: one of the permitted schemes, or a part of this site."""
    try:
        scheme = urlsplit(url.strip()).scheme
    except ValueError:
        return False
    return scheme.lower() in LINK_SCHEMES or not scheme


def _adapt(token: "Token", heading_shift: int) -> None:
    """Shift headings, replace styles by classes, and images that pages may not load by their text."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(int(token.tag[1:]) + heading_shift, MAX_HEADING_LEVEL)}"
    elif token.type in ("th_open", "td_open") and token.attrs:
        token.attrs = {"class": str(token.attrs["style"]).removeprefix("text-align:")}
    for child in token.children or ():
        if child.type == "image":
            _adapt_image(child)


def _adapt_image(token: "Token") -> None:
    if is_image_url(str(token.attrs["src"])):
        token.attrs["loading"] = "lazy"
        return
    token.type, token.tag, token.content = "text", "", _plain(token.children or ())


def _plain(tokens: "Sequence[Token]") -> str:
    """Return the text of inline tokens; of an image its description."""
    parts = []
    for token in tokens:
        if token.type in _TEXT_TOKENS:
            parts.append(token.content)
        elif token.type in _BREAK_TOKENS:
            parts.append(" ")
        elif token.type == "image":
            parts.append(_plain(token.children or ()))
    return "".join(parts)


def _table_open(*_arguments: object) -> str:
    """Return the beginning of a table in a frame that scrolls, so that a wide table widens no page."""
    return '<div class="table"><table>\n'


def _table_close(*_arguments: object) -> str:
    return "</table></div>\n"
