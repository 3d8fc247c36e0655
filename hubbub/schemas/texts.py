"""The kinds of text in commands: each field that users see has one.

`Meta(**…)` of a field takes them: `Annotated[str, Meta(max_length=250, **LINE)]`.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hubbub.core.text import emoji, languages, names, time_zones
from hubbub.schemas import faults

_LONG: dict[str, Callable[[], dict[str, Any]]] = {
    "emoji": lambda: {"pattern": emoji.pattern()},
    "language": lambda: {"pattern": languages.pattern()},
    "time_zone": lambda: {"pattern": time_zones.pattern()},
}


def checked(check: faults.Check, description: str, **schema: object) -> dict[str, Any]:
    """What `Meta` takes for a text with a check; description and `schema` go into the API description.

    There, `long` stands for what `_LONG` makes: it takes a while, and is not made at import.
    """
    return {"extra": faults.check(check), "extra_json_schema": {"description": description, **schema}}


def resolve(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """A schema with what its `long` parts stand for."""
    if isinstance(schema, list):
        return [resolve(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    long = _LONG[schema["long"]]() if isinstance(schema.get("long"), str) else {}
    return {**{name: resolve(part) for name, part in schema.items() if name != "long" or not long}, **long}


# One line, or nothing: what cannot be seen counts as nothing.
LINE = checked(names.line_fault, "One line, without control characters.", pattern=names.LINE)


def name(most: int) -> dict[str, Any]:
    """A name of at most so many characters, also after normalizing it."""
    return checked(
        partial(names.name_fault, most=most),
        f"One line with something to see; at most {most} characters, also in NFKC.",
        pattern=names.NAME,
    )


def _url_fault(text: str) -> str | None:
    try:
        is_url = re.search(_WEB_URL, text) is not None and bool(urlsplit(text).hostname)
    except ValueError:
        is_url = False
    return None if is_url else "Must be a URL that begins with http:// or https://."


_TWO_MARKS = "\u2047-\u2049\u2100\u2101\u2105\u2106\u2a74"
_BECOME_MARKS = f"{_TWO_MARKS}\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b\uff03\uff0f\uff1a\uff1f\uff20"
# A host of any script or an IPv6 address; no characters that are hidden, or become marks of a URL by NFKC.
_HOST = f'(?:[^/?#@:\\[\\]\\\\<>"{_BECOME_MARKS}{names.HIDDEN}]+|\\[[0-9A-Fa-f:.]{{2,45}}\\])'
_WEB_URL = (
    "^[Hh][Tt][Tt][Pp][Ss]?://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?"
    f"{_HOST}(?::[0-9]{{0,5}})?(?:[/?#][^{names.HIDDEN}]*)?$(?!\\n)"
)
WEB_URL = checked(_url_fault, "A URL that begins with http:// or https://.", pattern=_WEB_URL)
