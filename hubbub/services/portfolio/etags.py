"""Entity tags of items: a digest of what clients see, so that a change of a linked item counts too."""

import hashlib
from collections.abc import Collection

from hubbub.core.errors import PreconditionFailed
from hubbub.schemas.base import View, encode

ANY = "*"  # in `If-Match`: whatever the item is
DIGEST_CHARS = 32


def tag_of(view: View) -> str:
    """Return the entity tag of an item, without quotes."""
    return hashlib.sha256(encode(view)).hexdigest()[:DIGEST_CHARS]


def require_match(expected: Collection[str] | None, view: View) -> None:
    """Raise PreconditionFailed if none of the expected tags is that of the item; None expects nothing."""
    if expected is not None and ANY not in expected and tag_of(view) not in expected:
        raise PreconditionFailed
