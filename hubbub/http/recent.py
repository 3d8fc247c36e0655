"""Recently seen texts, as digests in bounded memory."""

import hashlib
from collections import OrderedDict

MAX_DIGESTS = 20_000
DIGEST_BYTES = 16  # bytes of a digest


class RecentDigests:
    """The `max_digests` texts that were added last."""

    def __init__(self, max_digests: int = MAX_DIGESTS) -> None:
        self._max_digests = max_digests
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._digests)

    def __contains__(self, text: str) -> bool:
        return bool(self._digests) and _digest(text) in self._digests

    def add(self, text: str) -> None:
        digest = _digest(text)
        self._digests[digest] = None
        self._digests.move_to_end(digest)
        if len(self._digests) > self._max_digests:
            self._digests.popitem(last=False)

    def discard(self, text: str) -> None:
        if self._digests:
            self._digests.pop(_digest(text), None)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
