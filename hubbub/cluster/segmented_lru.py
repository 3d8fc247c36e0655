"""A store in memory with a limit of bytes, from which entries that were read once are evicted first."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

PROTECTED_SHARE = 0.8  # of the limit, for entries that were read again


class SegmentedLru(Generic[V]):
    """Values by key, in two segments: `probation` for new entries, `protected` for those read again.

    The least recently used entry of `probation` is evicted first. So a client that reads many different keys
    once replaces the entries of other such clients, not those that are read often.
    """

    def __init__(self, max_bytes: int, on_evict: Callable[[str, V], None]) -> None:
        """`on_evict` is called with each entry that is removed for its size. It must not change the store."""
        self._max_bytes = max_bytes  # of all entries
        self._on_evict = on_evict
        self._probation: OrderedDict[str, tuple[V, int]] = OrderedDict()  # value and size; oldest use first
        self._protected: OrderedDict[str, tuple[V, int]] = OrderedDict()  # likewise
        self._protected_bytes = 0  # of the protected entries
        self.size_bytes = 0  # of all entries

    def __len__(self) -> int:
        return len(self._probation) + len(self._protected)

    def get(self, key: str) -> V | None:
        """Return a value and record its use."""
        found = self._protected.get(key)
        if found is not None:
            self._protected.move_to_end(key)
            return found[0]
        found = self._probation.pop(key, None)
        if found is None:
            return None
        self._protected[key] = found
        self._protected_bytes += found[1]
        while self._protected_bytes > self._max_bytes * PROTECTED_SHARE:
            self._demote_oldest()
        return found[0]

    def _demote_oldest(self) -> None:
        key, entry = self._protected.popitem(last=False)
        self._protected_bytes -= entry[1]
        self._probation[key] = entry

    def put(self, key: str, value: V, size_bytes: int) -> None:
        """Store a value; evict others until all fit. One that is larger than the limit is not stored."""
        self.remove(key)
        if size_bytes > self._max_bytes:
            return
        while self.size_bytes + size_bytes > self._max_bytes:
            self._evict_oldest()
        self._probation[key] = (value, size_bytes)
        self.size_bytes += size_bytes

    def _evict_oldest(self) -> None:
        segment = self._probation or self._protected
        key, (value, size_bytes) = segment.popitem(last=False)
        self.size_bytes -= size_bytes
        if segment is self._protected:
            self._protected_bytes -= size_bytes
        self._on_evict(key, value)

    def remove(self, key: str) -> V | None:
        """Remove an entry; return its value, or None if there is none."""
        found = self._probation.pop(key, None)
        if found is None:
            found = self._protected.pop(key, None)
            if found is None:
                return None
            self._protected_bytes -= found[1]
        self.size_bytes -= found[1]
        return found[0]
