"""Regular expressions for lists of texts, as short as their common beginnings allow."""

from collections.abc import Callable, Iterable
from typing import Any

_END = ""  # of a text, in the tree of their characters
_SPECIAL = frozenset("\\^$.|?*+()[]{}/-")


def any_of(texts: Iterable[str], behind: Callable[[str], str] = lambda _: "") -> str:
    """A pattern, for Python and for ECMAScript (flag `u`), of the texts; `behind` adds to each character."""
    tree: dict[str, Any] = {}
    for text in texts:
        node = tree
        for character in text:
            node = node.setdefault(character, {})
        node[_END] = {}
    return _alternatives(tree, behind)


def _alternatives(node: dict[str, Any], behind: Callable[[str], str]) -> str:
    """What the tree holds; characters with the same continuation share a class."""
    by_rest: dict[str, list[str]] = {}
    for character, inner in node.items():
        if character != _END:
            by_rest.setdefault(behind(character) + _alternatives(inner, behind), []).append(character)
    found = "|".join(_class(characters) + rest for rest, characters in by_rest.items())
    if not found:
        return ""
    is_whole = len(by_rest) == 1 and _END not in node
    return found if is_whole else f"(?:{found})" + ("?" if _END in node else "")


def _class(characters: Iterable[str]) -> str:
    codes = sorted(map(ord, characters))
    if len(codes) == 1:
        return _literal(codes[0])
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code])
    parts = (_literal(first) + (f"-{_literal(last)}" if first < last else "") for first, last in runs)
    return f"[{''.join(parts)}]"


def _literal(code: int) -> str:
    character = chr(code)
    return f"\\{character}" if character in _SPECIAL else character
