"""The arithmetic of limits: what a bucket allows, wherever its level is kept."""

from collections.abc import Hashable
from heapq import heappop, heappush
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network
from itertools import count
from typing import NamedTuple

from hubbub.core import clock
from hubbub.core.limits import Rate

MOST = 50_000  # buckets of one kind
STEPS = 16  # of the search for a bucket to remove, each less than a few microseconds
NETWORK = 64  # bits of an IPv6 address that one customer has to themselves
SITE = 48  # bits that one site has, at most: what counts while there is no room for more networks
SECOND = 1_000_000  # all in whole microseconds, so that it is the same in memory and in Redis
MILLISECOND = 1000


class Allowance(NamedTuple):
    """What is left after one was taken. `wait_ms` is 0 unless there was none.

    `hold_ms` is how long to wait before going on with what was allowed: out of a leaky bucket comes one
    at a time.
    """

    limit: int
    left: int
    full_s: int
    wait_ms: int
    hold_ms: int = 0


def gap_us(rate: Rate) -> int:
    """The time in which one is filled up again."""
    return max(1, round(SECOND / rate.per_s))


def allowance(rate: Rate, backlog_us: int, *, taken: bool, cost: int = 1) -> Allowance:
    """What is said to somebody whose bucket is full again after `backlog_us`, and who asked for `cost`."""
    gap = gap_us(rate)
    full = gap * rate.burst
    return Allowance(
        limit=rate.burst,
        left=(full - backlog_us) // gap,
        full_s=-(-backlog_us // SECOND),
        wait_ms=0 if taken else -(-(backlog_us + gap * cost - full) // MILLISECOND),
        hold_ms=(backlog_us - gap) // MILLISECOND if taken and rate.leaky else 0,
    )


class Buckets:
    """Buckets by key, in bounded memory. Of each only the time is kept at which it is full again.

    A bucket that is full again is removed first: nothing is lost with it. While `most` are not full, a new
    IPv6 network shares the bucket of its /48, and any other new key replaces the bucket with the smallest
    backlog and starts with that backlog. So a flood of keys never gives anything back to a key.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._full_at: dict[Hashable, int] = {}
        # One item per key. The time may be out of date; it is corrected when the item is reached.
        self._by_time: list[tuple[int, int, Hashable]] = []
        self._order = count()  # decides between equal times, since keys are not comparable
        self._floor = 0  # the largest time of a bucket that was replaced: keys without a bucket start there

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable, rate: Rate, cost: int = 1) -> Allowance:
        """Take `cost` of what the key may at this rate, or none. A negative cost gives back."""
        now = int(clock.monotonic() * SECOND)
        if key not in self._full_at and (wide := self._shared(key, now)) is not None:
            key = wide
        gap = gap_us(rate)
        full = gap * rate.burst
        before = max(0, self._full_at.get(key, self._floor) - now)
        backlog = min(before, full)
        if taken := backlog + gap * cost <= full:
            backlog = max(0, backlog + gap * cost)
        if (taken and cost > 0) or (backlog < before and key in self._full_at):  # or the rate was another one
            self._keep(key, now + backlog, now)
        return allowance(rate, backlog, taken=taken, cost=cost)

    def _shared(self, key: Hashable, now: int) -> str | None:
        """The key that an IPv6 network without a bucket uses while there is no room; None for its own."""
        if not isinstance(key, str) or len(self._full_at) < self._most:
            return None
        self._remove_full(now)
        return wider(key) if len(self._full_at) >= self._most else None

    def _keep(self, key: Hashable, full_at: int, now: int) -> None:
        if key not in self._full_at:
            self._remove_full(now)
            if len(self._full_at) >= self._most:
                self._replace()
            heappush(self._by_time, (full_at, next(self._order), key))
        self._full_at[key] = full_at

    def _remove_full(self, now: int) -> None:
        """Remove a few buckets that are full: more than one for each new one, so memory follows the use."""
        for _ in range(STEPS):
            if not self._by_time or self._by_time[0][0] > now:
                return
            if (item := self._corrected())[0] <= now:
                del self._full_at[item[2]]
            else:
                heappush(self._by_time, item)

    def _replace(self) -> None:
        """Remove the bucket with the smallest backlog, as far as `STEPS` items show it."""
        found: list[tuple[int, int, Hashable]] = []
        for _ in range(STEPS):
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


def neighbourhood(address: str) -> str:
    """What counts as one address: an IPv4 one, or an IPv6 network, of which somebody has all addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((int(parsed), NETWORK), strict=False))


def wider(network: str) -> str | None:
    """The /48 of an IPv6 network as `neighbourhood` writes it; None for every other key."""
    if not network.endswith(f"/{NETWORK}"):
        return None
    try:
        return str(IPv6Network(network).supernet(new_prefix=SITE))
    except ValueError:
        return None
