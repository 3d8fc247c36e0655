"""Generates regular expressions for lists of texts, shortened by common prefixes."""

from collections.abc import Callable, Iterable
from typing import Any

_END_MARK = ""  # the end of a text, in the tree of characters
_SPECIAL = frozenset("\\^$.|?*+()[]{}/-")


def any_of(texts: Iterable[str], suffix: Callable[[str], str] = lambda _: "") -> str:
    """Return a pattern, for Python and ECMAScript (flag `u`), of texts; `suffix` follows each character."""
    tree: dict[str, Any] = {}
    for text in texts:
        node = tree
        for character in text:
            node = node.setdefault(character, {})
        node[_END_MARK] = {}
    return _alternatives(tree, suffix)


def _alternatives(node: dict[str, Any], suffix: Callable[[str], str]) -> str:
    """Return a pattern of the tree. Characters with the same continuation share a class."""
    by_rest: dict[str, list[str]] = {}
    for character, inner in node.items():
        if character != _END_MARK:
            by_rest.setdefault(suffix(character) + _alternatives(inner, suffix), []).append(character)
    found = "|".join(_character_class(characters) + rest for rest, characters in by_rest.items())
    if not found:
        return ""
    is_whole = len(by_rest) == 1 and _END_MARK not in node
    return found if is_whole else f"(?:{found})" + ("?" if _END_MARK in node else "")


def _character_class(characters: Iterable[str]) -> str:
    codes = sorted(map(ord, characters))
    if len(codes) == 1:
        return _escape(codes[0])
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    parts = (_escape(first) + (f"-{_escape(last)}" if first < last else "") for first, last in runs)
    return f"[{''.join(parts)}]"


def _escape(code: int) -> str:
    character = chr(code)
    return f"\\{character}" if character in _SPECIAL else character
