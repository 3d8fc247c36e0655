"""Counts failed attempts by key, with growing delays, in bounded memory."""

from collections import OrderedDict
from typing import NamedTuple

from hubbub.core import clock

MAX_KEYS = 50_000
FIRST_DELAY_MS = 1000
MAX_DELAY_MS = 15 * 60 * 1000
FAILURE_TTL_MS = 60 * 60 * 1000  # after the last failure
SUCCESS_TTL_MS = 30 * 24 * 60 * 60 * 1000  # after the last success
_MAX_DOUBLINGS = 20  # more than the longest delay needs
# Expired keys that each change removes: more than one, so that the memory shrinks with the use.
_MAX_REMOVAL_STEPS = 4


class FailureState(NamedTuple):
    """The state of a key."""

    failures: int  # in a row
    since_ms: int  # since the last one
    succeeded_before: bool  # within the last 30 days

    def delay_ms(self, free_failures: int) -> int:
        """Return the delay before the next attempt, after `free_failures`: 1 s, 2, 4, … up to 15 minutes."""
        counted = self.failures - free_failures
        if counted <= 0:
            return 0
        delay = min(FIRST_DELAY_MS << min(counted - 1, _MAX_DOUBLINGS), MAX_DELAY_MS)
        return max(0, delay - self.since_ms)


class FailureCounter:
    """Failures and successes by key, in bounded memory.

    While `max_keys` keys have failures, a new one replaces the key with the fewest, and every key that is not
    kept counts as having as many as the replaced one. Therefore failures of a key are never undercounted,
    whatever else fails. They are overcounted by at most all failures of an hour divided by `max_keys`.
    Successes are stored separately, so that no failure removes one.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        # Key → (failures, time of the last), the oldest first.
        self._failures: OrderedDict[str, tuple[int, int]] = OrderedDict()
        # Failures → the same keys, in the order in which they reached this number.
        self._keys_by_failures: dict[int, OrderedDict[str, None]] = {}
        self._last_success: OrderedDict[str, int] = OrderedDict()  # key → time, the oldest first
        self._floor = (0, 0)  # (failures, time of the last) of the replaced keys

    def __len__(self) -> int:
        return len(self._failures) + len(self._last_success)

    def peek(self, key: str) -> FailureState:
        """Return the state of a key."""
        now = self._now()
        return self._view(key, *self._state(key, now), now)

    def record_failure(self, key: str) -> FailureState:
        """Count a failure."""
        now = self._now()
        failures = self._state(key, now)[0] + 1
        self._store(key, failures, now)
        return self._view(key, failures, now, now)

    def forgive_one(self, key: str) -> FailureState:
        """Remove one failure, if there is one. The time of the last one is unchanged."""
        now = self._now()
        failures, failed_at = self._state(key, now)
        failures = max(0, failures - 1)
        if key in self._failures:
            self._set_failures(key, failures, failed_at)
        return self._view(key, failures, failed_at, now)

    def reset(self, key: str) -> FailureState:
        """Remove the failures of a key, and record a success."""
        now = self._now()
        failed_at = self._state(key, now)[1]
        self._remove(key)
        self._record_success(key, now)
        return self._view(key, 0, failed_at, now)

    def _now(self) -> int:
        """Return the time in milliseconds, after removing a few expired keys."""
        now = int(clock.monotonic() * 1000)
        self._remove_expired(now)
        return now

    def _view(self, key: str, failures: int, failed_at: int, now: int) -> FailureState:
        return FailureState(failures, now - failed_at, key in self._last_success)

    def _state(self, key: str, now: int) -> tuple[int, int]:
        found = self._failures.get(key)
        if found is None:
            found = self._floor
            if self._last_success.get(key, -1) >= found[1]:  # it succeeded after the replaced keys had failed
                return 0, now
        failures, failed_at = found
        return (failures, failed_at) if failures and now - failed_at <= FAILURE_TTL_MS else (0, now)

    def _store(self, key: str, failures: int, failed_at: int) -> None:
        if key not in self._failures and len(self._failures) >= self._max_keys:
            self._evict_fewest()
        self._set_failures(key, failures, failed_at)
        self._failures.move_to_end(key)

    def _set_failures(self, key: str, failures: int, failed_at: int) -> None:
        """Set the failures of a key. With 0 it keeps its entry: another key may have even fewer."""
        self._remove_from_index(key)
        self._failures[key] = (failures, failed_at)
        self._keys_by_failures.setdefault(failures, OrderedDict())[key] = None

    def _remove(self, key: str) -> None:
        self._remove_from_index(key)
        self._failures.pop(key, None)

    def _remove_from_index(self, key: str) -> None:
        if (found := self._failures.get(key)) is None:
            return
        level = self._keys_by_failures[found[0]]
        del level[key]
        if not level:
            del self._keys_by_failures[found[0]]

    def _evict_fewest(self) -> None:
        """Remove the key with the fewest failures, which then count for all keys that are not kept."""
        key = next(iter(self._keys_by_failures[min(self._keys_by_failures)]))
        failures, failed_at = self._failures[key]
        self._floor = (max(self._floor[0], failures), max(self._floor[1], failed_at))
        self._remove(key)

    def _record_success(self, key: str, now: int) -> None:
        self._last_success[key] = now
        self._last_success.move_to_end(key)
        if len(self._last_success) > self._max_keys:
            self._last_success.popitem(last=False)

    def _remove_expired(self, now: int) -> None:
        """Remove a few expired keys, the oldest first."""
        for _ in range(_MAX_REMOVAL_STEPS):
            if not self._failures or now - next(iter(self._failures.values()))[1] <= FAILURE_TTL_MS:
                break
            self._remove(next(iter(self._failures)))
        for _ in range(_MAX_REMOVAL_STEPS):
            if not self._last_success or now - next(iter(self._last_success.values())) <= SUCCESS_TTL_MS:
                break
            self._last_success.popitem(last=False)
        if now - self._floor[1] > FAILURE_TTL_MS:
            self._floor = (0, 0)
