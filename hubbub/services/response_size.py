"""The size of responses: a page ends where the limit for the unread output of a socket would close it.

The client continues from the end of a page, whatever number of items it has.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from hubbub.schemas.base import encode

if TYPE_CHECKING:
    from hubbub.config import Settings

MAX_PAGE_BYTES = 512 * 1024


def max_page_bytes(settings: "Settings") -> int:
    """Return the bytes of a page: at most half of the output that may wait for a client to read it."""
    return min(MAX_PAGE_BYTES, settings.max_output_bytes // 2)


def count_fitting(items: Sequence[msgspec.Struct], max_bytes: int, max_item_bytes: int | None = None) -> int:
    """Return how many leading items take at most `max_bytes`, at least one if there are any.

    With `max_item_bytes`, the most that one item takes, nothing is encoded if the number of items is enough.
    """
    if max_item_bytes is not None and len(items) * max_item_bytes <= max_bytes:
        return len(items)
    size = 0
    for index, each in enumerate(items):
        size += len(encode(each)) + 1
        if size > max_bytes and index:
            return index
    return len(items)
