"""GCRA (generic cell rate algorithm): the arithmetic of rate limits, for every store."""

from collections.abc import Hashable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from hubbub.core import clock
from hubbub.core.client_ip import wider_key
from hubbub.ratelimit.rate import Rate

MAX_KEYS = 50_000  # buckets of one kind
MAX_REMOVAL_STEPS = 16  # of the search for a bucket to remove, each less than a few microseconds
US_PER_S = 1_000_000  # whole microseconds, so that the results are the same in memory and in Redis
US_PER_MS = 1000


class Decision(NamedTuple):
    """The result of `acquire`. `wait_ms` is 0 if it was allowed.

    `delay_ms` is the delay before an allowed call continues: a leaky bucket releases one at a time.
    """

    limit: int
    remaining: int
    reset_s: int
    wait_ms: int
    delay_ms: int = 0


def interval_us(rate: Rate) -> int:
    """Return the microseconds in which one token is refilled."""
    return max(1, round(US_PER_S / rate.per_s))


def decide(rate: Rate, backlog_us: int, *, allowed: bool, cost: int = 1) -> Decision:
    """Return the decision on a call for `cost` tokens, whose bucket is full again after `backlog_us`."""
    interval = interval_us(rate)
    full = interval * rate.burst
    return Decision(
        limit=rate.burst,
        remaining=(full - backlog_us) // interval,
        reset_s=-(-backlog_us // US_PER_S),
        wait_ms=0 if allowed else -(-(backlog_us + interval * cost - full) // US_PER_MS),
        delay_ms=(backlog_us - interval) // US_PER_MS if allowed and rate.leaky else 0,
    )


class GcraLimiter:
    """Buckets by key, in bounded memory. For each, only the time at which it is full again is stored.

    Full buckets are removed first, without any loss. While `max_keys` are not full, a new IPv6 network shares
    the bucket of its /48, and any other new key replaces the bucket with the smallest backlog and starts with
    that backlog. Therefore a flood of keys never gives tokens back to a key.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._full_at: dict[Hashable, int] = {}  # key → monotonic microseconds
        # One item per key. Its time may be outdated, and is corrected when the item is reached.
        self._heap: list[tuple[int, int, Hashable]] = []
        self._sequence = count()  # orders equal times, because keys are not comparable
        self._floor = 0  # the latest time of a replaced bucket, at which keys without a bucket start

    def __len__(self) -> int:
        return len(self._full_at)

    def acquire(self, key: Hashable, rate: Rate, cost: int = 1) -> Decision:
        """Take `cost` tokens of the key at this rate, or none. A negative cost refunds tokens."""
        now = int(clock.monotonic() * US_PER_S)
        if key not in self._full_at and (shared_key := self._shared_key(key, now)) is not None:
            key = shared_key
        interval = interval_us(rate)
        full = interval * rate.burst
        stored_backlog = max(0, self._full_at.get(key, self._floor) - now)
        backlog = min(stored_backlog, full)
        if allowed := backlog + interval * cost <= full:
            backlog = max(0, backlog + interval * cost)
        is_refund_or_new_rate = backlog < stored_backlog and key in self._full_at
        if (allowed and cost > 0) or is_refund_or_new_rate:
            self._store(key, now + backlog, now)
        return decide(rate, backlog, allowed=allowed, cost=cost)

    def _shared_key(self, key: Hashable, now: int) -> str | None:
        """Return the key of an IPv6 network without a bucket while the table is full; None for its own."""
        if not isinstance(key, str) or len(self._full_at) < self._max_keys:
            return None
        self._remove_full(now)
        return wider_key(key) if len(self._full_at) >= self._max_keys else None

    def _store(self, key: Hashable, full_at: int, now: int) -> None:
        if key not in self._full_at:
            self._remove_full(now)
            if len(self._full_at) >= self._max_keys:
                self._evict_smallest()
            heappush(self._heap, (full_at, next(self._sequence), key))
        self._full_at[key] = full_at

    def _remove_full(self, now: int) -> None:
        """Remove a few full buckets: more than one for each new one, so that the memory can shrink."""
        for _ in range(MAX_REMOVAL_STEPS):
            if not self._heap or self._heap[0][0] > now:
                return
            if (item := self._pop_current())[0] <= now:
                del self._full_at[item[2]]
            else:
                heappush(self._heap, item)

    def _evict_smallest(self) -> None:
        """Remove the bucket with the smallest backlog among `MAX_REMOVAL_STEPS` items."""
        candidates: list[tuple[int, int, Hashable]] = []
        for _ in range(MAX_REMOVAL_STEPS):
            candidates.append(self._pop_current())
            if not self._heap or min(candidates) <= self._heap[0]:
                break
        smallest = min(candidates)
        for item in candidates:
            if item is not smallest:
                heappush(self._heap, item)
        self._floor = max(self._floor, smallest[0])
        del self._full_at[smallest[2]]

    def _pop_current(self) -> tuple[int, int, Hashable]:
        """Pop the next item, with the current time of its bucket."""
        _, order, key = heappop(self._heap)
        return self._full_at[key], order, key
