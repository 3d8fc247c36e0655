"""Language tags (BCP 47): language, script, region and variants of the IANA Language Subtag Registry.

`data/language_subtags.txt` is the registry. `tests/support/unicode_lists.py` writes it.
"""

import re
from functools import cache
from pathlib import Path

from hubbub.core.text import patterns

SUBTAGS_FILE = Path(__file__).with_name("data") / "language_subtags.txt"
MAX_TAG_CHARS = 40  # characters; a tag with three variants
_TAG = re.compile(
    r"([a-z]{2,3})(?:-([a-z]{4}))?(?:-([a-z]{2}|\d{3}))?((?:-(?:[a-z\d]{5,8}|\d[a-z\d]{3})){0,3})"
)


def canonical(tag: str) -> str | None:
    """Return a tag in its canonical case, such as `zh-Hans-CN`; None if it is not a registered language."""
    found = _TAG.fullmatch(tag.lower()) if tag.isascii() else None
    if found is None:
        return None
    language, script, region, variants = found.groups()
    parts = [
        ("language", language),
        ("script", script and script.title()),
        ("region", region and region.upper()),
        *(("variant", each) for each in variants.split("-")[1:]),
    ]
    given = [(kind, subtag) for kind, subtag in parts if subtag]
    if not all(subtag in _subtags()[kind] for kind, subtag in given):
        return None
    return "-".join(subtag for _, subtag in given)


@cache
def _subtags() -> dict[str, frozenset[str]]:
    lines = (line for line in SUBTAGS_FILE.read_text("utf-8").splitlines() if not line.startswith("#"))
    kinds = (line.split(": ") for line in lines)
    return {kind: frozenset(subtags.split()) for kind, subtags in kinds}


@cache
def pattern() -> str:
    """Return a regular expression of the canonical tags, for Python and ECMAScript."""
    language, script, region, variant = (
        patterns.any_of(sorted(_subtags()[kind])) for kind in ("language", "script", "region", "variant")
    )
    return f"^{language}(?:-{script})?(?:-{region})?(?:-{variant}){{0,3}}$(?!\\n)"
