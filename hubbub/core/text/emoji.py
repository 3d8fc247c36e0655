"""Emoji: whether a text is exactly one emoji of Unicode's list (emoji-test), and its fully-qualified form.

U+FE0F, which requests the coloured form, is optional after a character: both are the same emoji.
`data/emoji.txt` is the list. `tests/support/unicode_lists.py` writes it.
"""

import re
from functools import cache
from pathlib import Path

from hubbub.core.text import patterns

EMOJI_FILE = Path(__file__).with_name("data") / "emoji.txt"
MAX_EMOJI_CHARS = 64  # characters of any spelling; the database column
_VARIATION_SELECTOR, _JOINER = "\ufe0f", "\u200d"
_MISPLACED_SELECTOR = re.compile(f"(?:^|[{_VARIATION_SELECTOR}{_JOINER}]){_VARIATION_SELECTOR}")


def canonical(text: str) -> str | None:
    """Return the fully-qualified form of one emoji in any spelling; None for other text."""
    if _MISPLACED_SELECTOR.search(text):
        return None
    return _by_characters().get(text.replace(_VARIATION_SELECTOR, ""))


@cache
def fully_qualified() -> tuple[str, ...]:
    """Return all emoji of the list."""
    lines = EMOJI_FILE.read_text("utf-8").splitlines()
    return tuple(emoji for line in lines if not line.startswith("# ") for emoji in line.split(" "))


@cache
def _by_characters() -> dict[str, str]:
    return {emoji.replace(_VARIATION_SELECTOR, ""): emoji for emoji in fully_qualified()}


@cache
def pattern() -> str:
    """Return a regular expression, for Python and ECMAScript (flag `u`), of all spellings of all emoji."""
    whole = patterns.any_of(
        _by_characters(), lambda last: "" if last == _JOINER else f"{_VARIATION_SELECTOR}?"
    )
    return f"^{whole}$(?!\\n)"
