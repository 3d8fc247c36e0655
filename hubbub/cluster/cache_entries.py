"""The cached responses in the memory of an instance, by key, and grouped by the tag of their data."""

from typing import NamedTuple

from hubbub.cluster.segmented_lru import SegmentedLru
from hubbub.core import clock, metrics

MAX_BYTES = 64 << 20  # of the entries of an instance
MAX_ENTRY_BYTES = 4 << 20  # a larger response is computed for each request
MAX_AGE_S = 300.0  # of an entry, whatever happens to its data
# From a query of the version until the next one. An instance that misses the signal of a write uses its entry
# no longer than that; a writer whose signal is not confirmed waits as long (`services/context.py`).
CHECK_S = 1.0
ENTRY_OVERHEAD_BYTES = 600  # of the objects of an entry, besides its body and key
MAX_RECENT_TAGS = 10_000  # tags whose invalidation is remembered


class Version(NamedTuple):
    """The version of the data behind an entry, as the database has it."""

    tag: str  # names the data; the signals of writers name it, too
    number: str  # differs after each write


class Cached(NamedTuple):
    """A complete response body."""

    body: bytes
    etag: str  # of the body, with its quotes
    computed_at: float  # when the computation began, in seconds since 1970


def is_expired(cached: Cached) -> bool:
    """Return whether a response is older than MAX_AGE_S."""
    return _age_s(cached) >= MAX_AGE_S


def _age_s(cached: Cached) -> float:
    return max(0.0, clock.now().timestamp() - cached.computed_at)


class _Tag:
    """The entries of one tag. They all have one version."""

    __slots__ = ("checked_at", "keys", "version")

    def __init__(self, version: Version, checked_at: float) -> None:
        self.version = version
        self.checked_at = checked_at  # monotonic time before the last query that returned this version
        self.keys: set[str] = set()  # of the entries


class _Entry(NamedTuple):
    cached: Cached
    tag: _Tag
    expires_at: float  # monotonic time


class CacheEntries:
    """Entries with their versions, and when these were last read from the database.

    `began` is the monotonic time before a version was read. What was invalidated since then is neither stored
    nor taken for checked.
    """

    def __init__(self, max_bytes: int) -> None:
        self._lru: SegmentedLru[_Entry] = SegmentedLru(max_bytes, self._on_evict)
        self._max_entry_bytes = min(max_bytes, MAX_ENTRY_BYTES)  # of one that is stored
        self._tags: dict[str, _Tag] = {}  # of the entries
        self._invalidated_at: dict[str, float] = {}  # monotonic time by tag, the oldest first
        self._all_invalid_before = clock.monotonic()  # versions that were read before are read again

    def __len__(self) -> int:
        return len(self._lru)

    @property
    def size_bytes(self) -> int:
        """Size of all entries."""
        return self._lru.size_bytes

    def current(self, key: str) -> Cached | None:
        """Return an entry whose version was read less than CHECK_S ago."""
        entry = self._lru.get(key)
        if entry is None:
            return None
        now = clock.monotonic()
        if now >= entry.expires_at:
            self.remove(key)
            return None
        checked_at = entry.tag.checked_at
        is_current = now - checked_at < CHECK_S and checked_at > self._all_invalid_before
        return entry.cached if is_current else None

    def check(self, key: str, version: Version, began: float) -> Cached | None:
        """Return the entry if it has this version. Entries of an earlier version of the tag are removed."""
        tag = self._tags.get(version.tag)
        if tag is not None and tag.version != version:
            if tag.checked_at <= began:
                self._drop(version.tag)
            return None  # else a later version is in memory, and the caller's call began before it
        entry = self._lru.get(key)
        if entry is None:
            return None
        if entry.tag is not tag or clock.monotonic() >= entry.expires_at:
            self.remove(key)  # expired, or the key now belongs to other data
            return None
        if self._is_unchanged_since(began, version.tag):
            entry.tag.checked_at = max(entry.tag.checked_at, began)
        return entry.cached

    def store(self, key: str, version: Version, cached: Cached, began: float) -> None:
        """Store a response, unless it is too large or too old, or its data changed since `began`."""
        size_bytes = len(cached.body) + len(key) + ENTRY_OVERHEAD_BYTES
        if size_bytes > self._max_entry_bytes or is_expired(cached):
            return
        tag = self._tags.get(version.tag)
        if tag is not None and tag.version != version and tag.checked_at > began:
            return  # an entry of a later version was stored meanwhile
        if not self._is_unchanged_since(began, version.tag):
            return
        self.remove(key)
        if tag is None or tag.version != version:
            self._drop(version.tag)
            tag = _Tag(version, began)
        self._tags[version.tag] = tag
        tag.checked_at = max(tag.checked_at, began)
        tag.keys.add(key)
        self._lru.put(key, _Entry(cached, tag, clock.monotonic() + MAX_AGE_S - _age_s(cached)), size_bytes)

    def _is_unchanged_since(self, began: float, tag: str) -> bool:
        return began > self._all_invalid_before and began > self._invalidated_at.get(tag, 0.0)

    def invalidate(self, tag: str) -> None:
        """Remove the entries of a tag, whose data changed before this call."""
        self._drop(tag)
        self._invalidated_at.pop(tag, None)
        self._invalidated_at[tag] = clock.monotonic()
        if len(self._invalidated_at) > MAX_RECENT_TAGS:
            oldest = next(iter(self._invalidated_at))
            self._all_invalid_before = max(self._all_invalid_before, self._invalidated_at.pop(oldest))

    def require_checks(self) -> None:
        """Keep the entries; the version of each is read before its next use."""
        self._all_invalid_before = clock.monotonic()

    def remove(self, key: str) -> None:
        """Remove an entry, if there is one."""
        entry = self._lru.remove(key)
        if entry is not None:
            self._detach(key, entry)

    def _on_evict(self, key: str, entry: _Entry) -> None:
        metrics.count("cache_evictions")
        self._detach(key, entry)

    def _detach(self, key: str, entry: _Entry) -> None:
        """Remove a key from its tag, and the tag with its last key."""
        entry.tag.keys.discard(key)
        name = entry.tag.version.tag
        if not entry.tag.keys and self._tags.get(name) is entry.tag:
            del self._tags[name]

    def _drop(self, tag: str) -> None:
        """Remove all entries of a tag."""
        found = self._tags.pop(tag, None)
        for key in found.keys if found is not None else ():
            self._lru.remove(key)
