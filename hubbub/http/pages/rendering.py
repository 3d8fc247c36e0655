"""Renders public pages: Jinja2 templates, with the Markdown of users, in a thread at a bounded cost."""

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from email.utils import format_datetime
from functools import cache, partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from hubbub.core.errors import Unavailable
from hubbub.core.text.markdown import Budget, shorten, split_headline, to_html, to_plain_text
from hubbub.http.pages import theme

if TYPE_CHECKING:
    from hubbub.schemas.uploads.uploads import Thumbnail

FOLDER = Path(__file__).with_name("templates")
# Changes when a page of the same portfolio does, because templates or styles are others.
DIGEST = hashlib.sha256(
    b"".join([*(path.read_bytes() for path in sorted(FOLDER.iterdir())), theme.DIGEST.encode()])
).hexdigest()[:12]
BUDGET_S = 0.5  # processor time of the Markdown of a page; 100,000 ordinary characters take 0.15 s
MAX_MARKDOWN_CHARS = 1 << 21  # of HTML that comes from Markdown, on one page
MAX_PENDING = 100  # pages that wait or are rendered; beyond it a caller would wait too long
MAX_OWNER_PENDING = 10  # of one portfolio
SHORTENED_CHARS = 300  # of a text that exceeds what a page may have
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
CATEGORIES = {  # of skills, in their order
    "language": "Languages",
    "frontend": "Frontend",
    "backend": "Backend",
    "mobile": "Mobile",
    "database": "Databases",
    "devops": "DevOps",
    "cloud": "Cloud",
    "data": "Data",
    "ai": "AI",
    "security": "Security",
    "testing": "Testing",
    "design": "Design",
    "tool": "Tools",
    "soft_skill": "Soft skills",
    "other": "Other",
}
# Not allowed in XML 1.0, whatever they are escaped as.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class PageRenderer:
    """Renders the pages of an instance, one at a time, in a thread.

    One page takes up to BUDGET_S of processor time. More threads would not be faster, because they share the
    interpreter, and would delay the event loop more. Of each portfolio one page waits for the thread at a
    time, so that a user whose pages are costly delays those of others by one page only.
    """

    def __init__(self, site: str) -> None:
        self._site = site  # base URL, without a slash at its end
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="pages")
        self._pending: Counter[str] = Counter()  # pages that wait or are rendered, by username
        # Of the same users: a lock is held while a page is in the queue of the thread.
        self._turns: dict[str, asyncio.Lock] = {}

    async def render(self, template: str, context: Mapping[str, Any]) -> bytes:
        """Return a page. `context` has the `owner` of the portfolio. Raises Unavailable."""
        name = context["owner"].username
        if self._pending[name] >= MAX_OWNER_PENDING or self._pending.total() >= MAX_PENDING:
            raise Unavailable("Too many pages at once. Try again in a moment.", retry_after_ms=5000)
        self._pending[name] += 1
        try:
            async with self._turns.setdefault(name, asyncio.Lock()):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._thread, _render, template, self._site, context)
        finally:
            self._pending[name] -= 1
            if not self._pending[name]:
                del self._pending[name], self._turns[name]

    def close(self) -> None:
        """Start no further page. The one that is rendered ends within its budget."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _render(template: str, site: str, context: Mapping[str, Any]) -> bytes:
    """Render a page in the thread that calls this."""
    writer = _Markdown()
    owner, pictures = context.get("owner"), context.get("pictures", {})
    accent = owner.accent if owner is not None else None
    headline, about = writer.split_headline(owner.bio if owner is not None else None)
    tools = {
        "headline": headline,
        "about": about,
        "site": site,
        "stylesheet": theme.url(accent),
        "accents": theme.accents(accent),
        "absolute": partial(_absolute, site),
        "markdown": writer.html,
        "summary": writer.summary,
        "picture_set": partial(_picture_set, pictures),
        "smallest": partial(_smallest, pictures),
    }
    return _environment().get_template(template).render(tools, **context).encode()


class _Markdown:
    """The Markdown of one page: all of it takes a bounded time and becomes a bounded number of characters."""

    def __init__(self) -> None:
        self._budget = Budget(BUDGET_S)
        self._free_chars = MAX_MARKDOWN_CHARS  # that HTML may still have

    def html(self, text: str, heading_shift: int) -> Markup:
        """Return a text as HTML; on a page that has too much of it, its beginning without markup."""
        html = to_html(text, self._budget, heading_shift) if self._free_chars > 0 else ""
        if len(html) > self._free_chars or not html:
            html = f"<p>{escape(self.summary(text, SHORTENED_CHARS))}</p>"
        self._free_chars -= len(html)
        return Markup(html)  # noqa: S704 - sanitized

    def split_headline(self, bio: str | None) -> tuple[str, str]:
        """Return the first line of a bio without markup, and the Markdown after it."""
        return split_headline(bio, self._budget) if bio else ("", "")

    def summary(self, text: str, max_chars: int) -> str:
        """Return the beginning of a text without markup."""
        return to_plain_text(text, max_chars, self._budget)


def _absolute(site: str, url: str) -> str:
    return f"{site}{url}" if url.startswith("/") else url


def _picture_set(pictures: Mapping[str, "Sequence[Thumbnail]"], url: str, sizes: str) -> Markup:
    """Return the attributes with the smaller versions of a picture, if it has some."""
    thumbnails = pictures.get(url, ())
    if not thumbnails:
        return Markup()
    versions = ", ".join(f"{each.url} {each.width}w" for each in thumbnails)
    return Markup(' srcset="{}" sizes="{}"').format(versions, sizes)


def _smallest(pictures: Mapping[str, "Sequence[Thumbnail]"], url: str) -> str:
    """Return the URL of the smallest version of a picture."""
    thumbnails = pictures.get(url, ())
    return thumbnails[0].url if thumbnails else url


@cache
def _environment() -> Environment:
    """Return the environment: every variable is escaped, a missing one is an error.

    Each template is compiled once, by the first page that needs it.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        finalize=_only_xml,
    )
    environment.filters |= {
        "month": format_month,
        "day": format_day,
        "rfc822": _rfc822,
        "groups": _groups,
        "shorten": shorten,
        "html": lambda text: str(escape(text)),
    }
    return environment


def _only_xml(value: object) -> object:
    """Return a value without characters that a feed must not contain; pages do not need them."""
    return _NOT_XML.sub("", value) if type(value) is str else value


def format_month(day: date | str) -> str:
    """Return `March 2021` for 2021-03-01."""
    year, month = str(day).split("-")[:2]
    return f"{MONTHS[int(month) - 1]} {int(year)}"


def format_day(moment: str) -> str:
    """Return `1 March 2021` for a time or a date that begins with `2021-03-01`."""
    return f"{int(moment[8:10])} {format_month(moment)}"


def _groups(skills: Iterable[Any]) -> list[tuple[str, list[Any]]]:
    """Return the skills of each category that has some, in the order of the categories."""
    grouped = {category: [each for each in skills if each.category == category] for category in CATEGORIES}
    return [(CATEGORIES[category], found) for category, found in grouped.items() if found]


def _rfc822(moment: str) -> str:
    return format_datetime(datetime.fromisoformat(moment))
