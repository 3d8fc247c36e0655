"""Slugs: names of items in URLs, unique among the items of a user that are not deleted."""

import re
import unicodedata
from collections.abc import Container
from uuid import UUID

from hubbub.schemas.portfolio.fields import MAX_SLUG_CHARS, is_id

# Paths below a resource that no item may have: they are routes.
RESERVED = frozenset({"bulk-delete", "reorder"})
SHORT_ID_CHARS = 8
# Letters that have no decomposition into a Latin letter and an accent.
_FOLDS = str.maketrans(
    {
        "ß": "ss",
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
    }
)
_LATIN = re.compile(r"[a-z]")
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_APOSTROPHES = re.compile(r"['\u2019]")


def generate(title: str, item_id: UUID, noun: str, taken: Container[str]) -> str:
    """Return a slug from a title, in Latin letters. A title without any gives the noun and a short id."""
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_FOLDS))
    bare = "".join(each for each in folded if not unicodedata.combining(each))
    slug = _SEPARATORS.sub("-", _APOSTROPHES.sub("", bare))[:MAX_SLUG_CHARS].strip("-")
    if not _LATIN.search(slug) or is_id(slug):
        slug = f"{noun}-{item_id.hex[-SHORT_ID_CHARS:]}"
    return unique(slug, taken)


def unique(slug: str, taken: Container[str]) -> str:
    """Return a slug that is free: this one, or the first free one with a number: `slug-2`."""
    candidate, number = slug, 1
    while not is_free(candidate, taken):
        number += 1
        suffix = f"-{number}"
        candidate = slug[: MAX_SLUG_CHARS - len(suffix)].rstrip("-") + suffix
    return candidate


def is_free(slug: str, taken: Container[str]) -> bool:
    """Return whether an item may have a slug."""
    return slug not in RESERVED and slug not in taken
