"""Texts that were seen lately, as digests in bounded memory."""

import hashlib
from collections import OrderedDict

MOST = 20_000
SIZE = 16  # bytes of a digest


class Recent:
    """The texts that were added last; beyond `most`, the one that was added longest ago is forgotten."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, text: str) -> bool:
        return bool(self._seen) and _digest(text) in self._seen

    def add(self, text: str) -> None:
        digest = _digest(text)
        self._seen[digest] = None
        self._seen.move_to_end(digest)
        if len(self._seen) > self._most:
            self._seen.popitem(last=False)

    def discard(self, text: str) -> None:
        if self._seen:
            self._seen.pop(_digest(text), None)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=SIZE).digest()
