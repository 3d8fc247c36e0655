"""Usernames that cannot be registered, and what looks like one of them.

A reserved name speaks for the operator, addresses many users at once, or is a segment of a path that routes
of usernames share with other routes.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).with_name("data") / "reserved_usernames.txt"
DELETED = "deleted"  # usernames of deleted accounts begin with it
LONG = 5  # characters, from which on `l` in place of `i` is taken for a disguise: `ali` is not `all`

_SEPARATORS = re.compile(r"[._-]+")
_DIGITS = str.maketrans("034578", "oeastb")
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))  # two letters that are drawn like one


class _Keys(NamedTuple):
    plain: frozenset[str]
    folded: frozenset[str]  # of long names, with every `i` as an `l`


def is_reserved(username: str) -> bool:
    """Whether a username is reserved or looks like a reserved one.

    Case, width, separators, and digits in place of letters do not count.
    """
    keys = [look_alike_key(username, one) for one in "il"]
    folded = _folded(keys[0])
    return (
        any(key in _reserved().plain for key in keys)
        or folded in _reserved().folded
        or folded.startswith(_folded(DELETED))
    )


def look_alike_key(username: str, one: str = "l") -> str:
    """Return what usernames that look alike have in common. `one` is the letter that a digit 1 stands for."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", username).casefold())
    text = "".join(each for each in text if not unicodedata.combining(each))
    text = _SEPARATORS.sub("", text).translate(_DIGITS).replace("1", one)
    for pair, letter in _PAIRS:
        text = text.replace(pair, letter)
    return text


def _folded(key: str) -> str:
    return key.replace("i", "l")


@cache
def _reserved() -> _Keys:
    keys = frozenset(map(look_alike_key, names()))
    return _Keys(keys, frozenset(_folded(key) for key in keys if len(key) >= LONG))


@cache
def names() -> frozenset[str]:
    """The reserved names, as the file lists them."""
    lines = FILE.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
