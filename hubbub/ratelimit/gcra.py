"""The arithmetic of limits: what a bucket allows, wherever its level is kept."""

from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from hubbub.core import clock
from hubbub.core.client_ip import wider_key
from hubbub.ratelimit.rate import Rate

MAX_KEYS = 50_000  # buckets of one kind
REMOVAL_STEPS = 16  # of the search for a bucket to remove, each less than a few microseconds
US_PER_S = 1_000_000  # all in whole microseconds, so that it is the same in memory and in Redis
US_PER_MS = 1000


class Decision(NamedTuple):
    """What is left after one was taken. `wait_ms` is 0 unless there was none.

    `hold_ms` is how long to wait before going on with what was allowed: out of a leaky bucket comes one
    at a time.
    """

    limit: int
    remaining: int
    reset_s: int
    wait_ms: int
    hold_ms: int = 0


def interval_us(rate: Rate) -> int:
    """The time in which one is filled up again."""
    return max(1, round(US_PER_S / rate.per_s))


def decide(rate: Rate, backlog_us: int, *, taken: bool, cost: int = 1) -> Decision:
    """What is said to somebody whose bucket is full again after `backlog_us`, and who asked for `cost`."""
    gap = interval_us(rate)
    full = gap * rate.burst
    return Decision(
        limit=rate.burst,
        remaining=(full - backlog_us) // gap,
        reset_s=-(-backlog_us // US_PER_S),
        wait_ms=0 if taken else -(-(backlog_us + gap * cost - full) // US_PER_MS),
        hold_ms=(backlog_us - gap) // US_PER_MS if taken and rate.leaky else 0,
    )


class GcraLimiter:
    """Buckets by key, in bounded memory. Of each only the time is kept at which it is full again.

    A bucket that is full again is removed first: nothing is lost with it. While `most` are not full, a new
    IPv6 network shares the bucket of its /48, and any other new key replaces the bucket with the smallest
    backlog and starts with that backlog. So a flood of keys never gives anything back to a key.
    """

    def __init__(self, most: int = MAX_KEYS) -> None:
        self._most = most
        self._full_at: dict[Hashable, int] = {}
        # One item per key. The time may be out of date; it is corrected when the item is reached.
        self._by_time: list[tuple[int, int, Hashable]] = []
        self._order = count()  # decides between equal times, since keys are not comparable
        self._floor = 0  # the largest time of a bucket that was replaced: keys without a bucket start there

    def __len__(self) -> int:
        return len(self._full_at)

    def acquire(self, key: Hashable, rate: Rate, cost: int = 1) -> Decision:
        """Take `cost` of what the key may at this rate, or none. A negative cost gives back."""
        now = int(clock.monotonic() * US_PER_S)
        if key not in self._full_at and (wide := self._shared_key(key, now)) is not None:
            key = wide
        gap = interval_us(rate)
        full = gap * rate.burst
        before = max(0, self._full_at.get(key, self._floor) - now)
        backlog = min(before, full)
        if taken := backlog + gap * cost <= full:
            backlog = max(0, backlog + gap * cost)
        if (taken and cost > 0) or (backlog < before and key in self._full_at):  # or the rate was another one
            self._store(key, now + backlog, now)
        return decide(rate, backlog, taken=taken, cost=cost)

    def _shared_key(self, key: Hashable, now: int) -> str | None:
        """The key that an IPv6 network without a bucket uses while there is no room; None for its own."""
        if not isinstance(key, str) or len(self._full_at) < self._most:
            return None
        self._remove_full(now)
        return wider_key(key) if len(self._full_at) >= self._most else None

    def _store(self, key: Hashable, full_at: int, now: int) -> None:
        if key not in self._full_at:
            self._remove_full(now)
            if len(self._full_at) >= self._most:
                self._replace()
            heappush(self._by_time, (full_at, next(self._order), key))
        self._full_at[key] = full_at

    def _remove_full(self, now: int) -> None:
        """Remove a few buckets that are full: more than one for each new one, so memory follows the use."""
        for _ in range(REMOVAL_STEPS):
            if not self._by_time or self._by_time[0][0] > now:
                return
            if (item := self._corrected())[0] <= now:
                del self._full_at[item[2]]
            else:
                heappush(self._by_time, item)

    def _replace(self) -> None:
        """Remove the bucket with the smallest backlog, as far as `STEPS` items show it."""
        found: list[tuple[int, int, Hashable]] = []
        for _ in range(REMOVAL_STEPS):
            found.append(self._corrected())
            if not self._by_time or min(found) <= self._by_time[0]:
                break
        smallest = min(found)
        for item in found:
            if item is not smallest:
                heappush(self._by_time, item)
        self._floor = max(self._floor, smallest[0])
        del self._full_at[smallest[2]]

    def _corrected(self) -> tuple[int, int, Hashable]:
        """Take the next item off, with the time that its bucket has now."""
        _, order, key = heappop(self._by_time)
        return self._full_at[key], order, key
