"""Names and lines of text that users see: their validity, and when two names are equal.

A line has no control characters, no line ends and no marks that change the direction of the text after it. A
name is a line with a visible character. The character classes are defined here, so that all versions of
Python and the schemas of the API document agree.
"""

import re
import unicodedata

MAX_KEY_CHARS = 240  # characters; the database column


def _character_class(*ranges: int | tuple[int, int]) -> str:
    """Return the inside of a character class that Python and ECMAScript (flag `u`) interpret alike."""
    pairs = (each if isinstance(each, tuple) else (each, each) for each in ranges)
    return "".join(
        _escape(first) if first == last else f"{_escape(first)}-{_escape(last)}" for first, last in pairs
    )


def _escape(code: int) -> str:
    return f"\\u{code:04x}" if code < 0x10000 else chr(code)  # noqa: PLR2004 - `\u` takes four digits


# Control characters, line ends (Cc, Zl, Zp); embeddings, overrides and isolates of bidirectional text.
_BREAKING = _character_class((0, 0x1F), (0x7F, 0x9F), (0x2028, 0x202E), (0x2066, 0x2069))
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt), assigned or not.
_IGNORABLE = _character_class(
    *(0xAD, 0x34F, 0x61C, (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x200B, 0x200F)),
    *((0x202A, 0x202E), (0x2060, 0x206F), 0x3164, (0xFE00, 0xFE0F), 0xFEFF, 0xFFA0, (0xFFF0, 0xFFF8)),
    *((0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF)),
)
_SPACE_CHARACTERS = (
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
_SPACES = _character_class(*map(ord, _SPACE_CHARACTERS))  # Zs
# Assigned characters without a glyph: a musical notehead, blank braille and hieroglyphs.
_BLANKS = _character_class(0x2800, 0xFFFC, 0x16FE4, (0x13441, 0x13442), 0x1D159)
# The other format characters (Cf), private use (Co), and noncharacters.
_FORMATS = _character_class(
    *((0x600, 0x605), 0x6DD, 0x70F, (0x890, 0x891), 0x8E2, (0xFFF9, 0xFFFB), 0x110BD, 0x110CD),
    *((0x13430, 0x1343F), (0xE000, 0xF8FF), (0xFDD0, 0xFDEF), (0xFFFE, 0xFFFF), (0xF0000, 0x10FFFF)),
    *((plane + 0xFFFE, plane + 0xFFFF) for plane in range(0x10000, 0xF0000, 0x10000)),
)
# The inside of a class of all invisible characters.
HIDDEN = _BREAKING + _IGNORABLE + _SPACES + _BLANKS + _FORMATS

# In Python, `$` alone would allow a line end after it.
LINE_PATTERN = f"^[^{_BREAKING}]*$(?!\\n)"
NAME_PATTERN = f"^(?:(?![{_BREAKING}])[{HIDDEN}])*[^{HIDDEN}][^{_BREAKING}]*$(?!\\n)"

_breaking = re.compile(f"[{_BREAKING}]")
_visible = re.compile(f"[^{HIDDEN}]")
_ignorable = re.compile(f"[{_IGNORABLE}]")
_blank = re.compile(f"[{_BLANKS}{_BREAKING}]")
_MAX_FOLD_ROUNDS = 4  # of folding; no character needs more than two


def is_visible(text: str) -> bool:
    """Return whether a text has a visible character."""
    return _visible.search(text) is not None


def normalize_line(text: str) -> str:
    """Return a line as it is stored: without surrounding spaces; empty without a visible character."""
    return text.strip(_SPACE_CHARACTERS) if is_visible(text) else ""


def line_fault(text: str) -> str | None:
    """Return why a text is not a line, as a sentence; None if it is."""
    return "Must be one line, without control characters." if _breaking.search(text) else None


def name_fault(text: str, max_chars: int) -> str | None:
    """Return why a text is not a name of at most `max_chars` characters, as a sentence; None if it is."""
    if fault := line_fault(text):
        return fault
    if not (normalized := normalize_line(text)):
        return "Must contain at least one visible character."
    if len(unicodedata.normalize("NFKC", normalized)) > max_chars:
        return f"Must have at most {max_chars} characters, also in its compatibility form (NFKC)."
    return None


def truncate(text: str, max_chars: int) -> str:
    """Return the beginning of a text that is a name of at most `max_chars` characters; empty if none is."""
    candidate = text[:max_chars]
    while candidate and name_fault(candidate, max_chars):
        if _breaking.search(candidate) or not normalize_line(candidate):
            return ""
        candidate = candidate[: len(candidate) * 3 // 4]
    return normalize_line(candidate)


def key(text: str) -> str:
    """Return the key of a name. Two names with one key are equal.

    Case, width and other compatibility forms, invisible characters, and the number of spaces do not count. A
    fixed point: the key of a key is itself.
    """
    for _ in range(_MAX_FOLD_ROUNDS):
        folded = unicodedata.normalize("NFKC", text).casefold()
        folded = unicodedata.normalize("NFKC", _ignorable.sub("", folded))
        if folded == text:
            break
        text = folded
    return " ".join(_blank.sub(" ", text).split())
