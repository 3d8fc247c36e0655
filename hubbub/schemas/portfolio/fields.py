"""The kinds of fields of a portfolio: limits, checks, and what the API document says about them.

Each is a `Meta` for `Annotated`. The tables, filters and views of a resource follow from the types.
"""

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from hubbub.core import clock
from hubbub.core.files import names as file_names
from hubbub.core.text import names
from hubbub.schemas import faults
from hubbub.schemas.normalization import DISTINCT, TRIMMED
from hubbub.schemas.texts import (
    LINE_RULES,
    VISIBLE_LINE_RULES,
    VISIBLE_TEXT_RULES,
    WEB_URL_RULES,
    text_rules,
)

MAX_URL_CHARS = 500
MAX_UPLOAD_URL_CHARS = 2000  # the path of an upload contains its name, percent-encoded
MAX_WORDS = 30  # of a list
MAX_WORD_CHARS = 50
MAX_ORDER = 1_000_000
MAX_SLUG_CHARS = 100
UPLOAD: dict[str, Any] = {"upload": True}  # the `extra` of a field that may refer to an upload


def _rules(rules: dict[str, Any], **extra: object) -> dict[str, Any]:
    """Return the arguments of `Meta` for a trimmed line with these rules."""
    return {**rules, "extra": {**rules["extra"], **TRIMMED, **extra}}


def single_line(max_chars: int, *, required: bool = False) -> Meta:
    """Return the rules of one line of text, which is trimmed. A required one has a visible character."""
    rules = _rules(VISIBLE_LINE_RULES if required else LINE_RULES)
    return Meta(min_length=1 if required else None, max_length=max_chars, **rules)


def text(max_chars: int, *, required: bool = False) -> Meta:
    """Return the rules of plain text of several lines. A required one has a visible character."""
    if not required:
        return Meta(max_length=max_chars)
    return Meta(min_length=1, max_length=max_chars, **VISIBLE_TEXT_RULES)


def markdown(max_chars: int) -> Meta:
    """Return the rules of text in Markdown. It is stored as it is."""
    return Meta(max_length=max_chars, extra_json_schema={"contentMediaType": "text/markdown"})


Words = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_WORD_CHARS, **VISIBLE_LINE_RULES)]],
    Meta(max_length=MAX_WORDS, extra={**TRIMMED, **DISTINCT}),
]


def web_url(max_chars: int = MAX_URL_CHARS) -> Meta:
    """Return the rules of a URL of the web, which is trimmed."""
    return Meta(min_length=1, max_length=max_chars, **_rules(WEB_URL_RULES))


WEB_URL = web_url()


def _contact_fault(text: str) -> str | None:
    if re.search(_LINK_PATTERN, text) is None:
        return "Must be a URL that begins with http://, https://, mailto: or tel:."
    return WEB_URL_RULES["extra"]["check"](text) if text[:4].lower() == "http" else None


_HIDDEN = names.HIDDEN
_LINK_PATTERN = (
    f"^(?:[Hh][Tt][Tt][Pp][Ss]?://[^{_HIDDEN}]+|[Mm][Aa][Ii][Ll][Tt][Oo]:[^{_HIDDEN}@]+@[^{_HIDDEN}@]+"
    "|[Tt][Ee][Ll]:\\+?[0-9A-Za-z().;=*#\\-]{2,60})$(?!\\n)"
)
LINK = Meta(
    min_length=1,
    max_length=MAX_URL_CHARS,
    **_rules(
        text_rules(
            _contact_fault,
            "A URL that begins with http://, https://, mailto: or tel:.",
            pattern=_LINK_PATTERN,
        )
    ),
)


def _file_fault(text: str) -> str | None:
    if file_names.from_path(text) is not None:
        return None
    if text[:8].lower() != "https://" or WEB_URL_RULES["extra"]["check"](text) is not None:
        return "Must be the URL of an upload, or a URL that begins with https://."
    return None if len(text) <= MAX_URL_CHARS else f"Must have at most {MAX_URL_CHARS} characters."


# A file: `url` of an own upload, or any URL with https.
FILE_URL = Meta(
    min_length=1,
    max_length=MAX_UPLOAD_URL_CHARS,
    **_rules(
        text_rules(
            _file_fault,
            "`url` of an own upload, or a URL that begins with https://.",
            pattern=f"^(?:[Hh][Tt][Tt][Pp][Ss]://|/uploads/)[^{_HIDDEN}]+$(?!\\n)",
        ),
        **UPLOAD,
    ),
)


def _color_fault(text: str) -> str | None:
    return None if re.search(_COLOR_PATTERN, text) else "Must be a color such as #1e90ff."


_COLOR_PATTERN = "^#[0-9A-Fa-f]{6}$(?!\\n)"
COLOR = Meta(
    min_length=7,
    max_length=7,
    **_rules(text_rules(_color_fault, "`#rrggbb`, in hexadecimal digits.", pattern=_COLOR_PATTERN)),
)


def is_id(text: str) -> bool:
    """Return whether a text has one of the forms in which ids are accepted."""
    try:
        msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        return False
    return True


def _slug_fault(text: str) -> str | None:
    if re.search(_SLUG_PATTERN, text) is None:
        return "Must consist of a-z, 0-9 and -."
    return "Must not have the form of an id." if is_id(text) else None


_SLUG_PATTERN = "^[a-z0-9-]+$(?!\\n)"
SLUG = Meta(
    min_length=1,
    max_length=MAX_SLUG_CHARS,
    **_rules(text_rules(_slug_fault, "`a-z`, `0-9` and `-`; not the form of an id.", pattern=_SLUG_PATTERN)),
)


def _two_digits_fault(value: float) -> str | None:
    return None if round(value, 2) == value else "Must have at most two digits after the point."


HUNDREDTHS: dict[str, Any] = {"extra": faults.check_extra(_two_digits_fault)}  # a number with two digits


def _year_fault(year: int) -> str | None:
    last = clock.now().year + 1
    return None if year <= last else f"Must be at most {last}."


YEAR = Meta(ge=1000, le=9999, extra=faults.check_extra(_year_fault))

Order = Annotated[
    int,
    Meta(ge=0, le=MAX_ORDER),
    Meta(description="Position in the default order. The next number if it is left out."),
]
Day = Annotated[date, Meta(description="YYYY-MM-DD.")]
