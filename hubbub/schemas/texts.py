"""The kinds of text in commands. Each field that users see has one.

`Meta(**…)` of a field takes them: `Annotated[str, Meta(max_length=250, **LINE)]`.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from hubbub.core.text import emoji, languages, names, time_zones
from hubbub.schemas import faults

_LAZY_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "emoji": lambda: {"pattern": emoji.pattern()},
    "language": lambda: {"pattern": languages.pattern()},
    "time_zone": lambda: {"pattern": time_zones.pattern()},
}


def text_rules(check: faults.Check, rule: str, **schema: object) -> dict[str, Any]:
    """Return the arguments of `Meta` for a text with a check; `rule` and `schema` are for the API document.

    There, `lazy` names an entry of `_LAZY_SCHEMAS`: its pattern takes time, and is not generated at import.
    """
    return {"extra": faults.check_extra(check), "extra_json_schema": {"rule": rule, **schema}}


def resolve_lazy(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return a schema with its `lazy` parts filled in, and with the rule of a text after its description."""
    if isinstance(schema, list):
        return [resolve_lazy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    resolved = {name: resolve_lazy(part) for name, part in schema.items()}
    if isinstance(schema.get("lazy"), str):
        resolved |= _LAZY_SCHEMAS[resolved.pop("lazy")]()
    if isinstance(schema.get("rule"), str):
        rule = resolved.pop("rule")
        resolved["description"] = f"{resolved['description']} {rule}" if "description" in resolved else rule
    return resolved


# One line, or nothing. Invisible characters count as nothing.
LINE_RULES = text_rules(names.line_fault, "One line, without control characters.", pattern=names.LINE_PATTERN)


def name_rules(max_chars: int) -> dict[str, Any]:
    """Return the rules of a name of at most `max_chars` characters, before and after normalization."""
    return text_rules(
        partial(names.name_fault, max_chars=max_chars),
        f"One line with a visible character; at most {max_chars} characters, also in NFKC.",
        pattern=names.NAME_PATTERN,
    )


def _visible_fault(text: str) -> str | None:
    return None if names.is_visible(text) else "Must contain at least one visible character."


def _label_fault(text: str) -> str | None:
    return names.line_fault(text) or _visible_fault(text)


VISIBLE_LINE_RULES = text_rules(
    _label_fault, "One line with a visible character.", pattern=names.NAME_PATTERN
)
# Text of several lines with a visible character.
VISIBLE_TEXT_RULES = text_rules(_visible_fault, "At least one visible character.")


def _url_fault(text: str) -> str | None:
    try:
        is_url = re.search(_WEB_URL_PATTERN, text) is not None and bool(urlsplit(text).hostname)
    except ValueError:
        is_url = False
    return None if is_url else "Must be a URL that begins with http:// or https://."


_DOUBLE_MARKS = "\u2047-\u2049\u2100\u2101\u2105\u2106\u2a74"
_NFKC_MARKS = f"{_DOUBLE_MARKS}\ufe13\ufe16\ufe55\ufe56\ufe5f\ufe6b\uff03\uff0f\uff1a\uff1f\uff20"
# A host of any script or an IPv6 address, without invisible characters and without those that NFKC turns into
# delimiters of a URL.
_HOST = f'(?:[^/?#@:\\[\\]\\\\<>"{_NFKC_MARKS}{names.HIDDEN}]+|\\[[0-9A-Fa-f:.]{{2,45}}\\])'
_WEB_URL_PATTERN = (
    "^[Hh][Tt][Tt][Pp][Ss]?://(?:[A-Za-z0-9._~!$&'()*+,;=:%-]*@)?"
    f"{_HOST}(?::[0-9]{{0,5}})?(?:[/?#][^{names.HIDDEN}]*)?$(?!\\n)"
)
WEB_URL_RULES = text_rules(
    _url_fault, "A URL that begins with http:// or https://.", pattern=_WEB_URL_PATTERN
)
