"""Usernames that cannot be registered, and those that look like one of them.

A reserved name suggests the operator, mentions many users at once, or is a segment of a path that routes of
usernames share with other routes.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import NamedTuple

RESERVED_FILE = Path(__file__).parent.with_name("data") / "reserved_usernames.txt"
DELETED_PREFIX = "deleted"  # usernames of deleted accounts begin with it
# Characters, from which on `l` for `i` counts as a disguise: `ali` is not `all`.
MIN_FOLDED_CHARS = 5

_SEPARATORS = re.compile(r"[._-]+")
_DIGIT_LETTERS = str.maketrans("034578", "oeastb")
_NUMBERED = re.compile(r"[^0-9]5$")  # the fifth of a name: `user5` is not `users`
_LETTER_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))  # two letters that look like one


class _ReservedKeys(NamedTuple):
    plain: frozenset[str]  # keys of all names
    folded: frozenset[str]  # of long names, with every `i` as an `l`


def is_reserved(username: str) -> bool:
    """Return whether a username is reserved or looks like a reserved one.

    Case, width, separators, and digits in place of letters do not count.
    """
    keys = [look_alike_key(username, one) for one in "il"]
    folded = _fold_i(keys[0])
    return (
        any(key in _reserved().plain for key in keys)
        or folded in _reserved().folded
        or folded.startswith(_fold_i(DELETED_PREFIX))
    )


def look_alike_key(username: str, letter_for_one: str = "l") -> str:
    """Return the key that look-alike usernames share. `letter_for_one` replaces the digit 1."""
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", username).casefold())
    text = "".join(each for each in text if not unicodedata.combining(each))
    text = _SEPARATORS.sub("", text)
    number = text[-1:] if _NUMBERED.search(text) else ""
    text = text.removesuffix(number).translate(_DIGIT_LETTERS).replace("1", letter_for_one)
    for pair, letter in _LETTER_PAIRS:
        text = text.replace(pair, letter)
    return text + number


def _fold_i(key: str) -> str:
    return key.replace("i", "l")


@cache
def _reserved() -> _ReservedKeys:
    keys = frozenset(map(look_alike_key, reserved_names()))
    return _ReservedKeys(keys, frozenset(_fold_i(key) for key in keys if len(key) >= MIN_FOLDED_CHARS))


@cache
def reserved_names() -> frozenset[str]:
    """Return the reserved names, as the file lists them."""
    lines = RESERVED_FILE.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))
