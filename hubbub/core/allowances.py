"""The arithmetic of limits: what a bucket allows, wherever its level is kept."""

from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple

from hubbub.core import clock
from hubbub.core.limits import Rate

MOST = 50_000  # keys of one kind; beyond it the one that asked longest ago is forgotten
NETWORK = 64  # bits of an IPv6 address that one customer has to themselves
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


def allowance(rate: Rate, backlog_us: int, *, taken: bool) -> Allowance:
    """What is said to somebody whose bucket is full again after `backlog_us`."""
    gap = gap_us(rate)
    full = gap * rate.burst
    return Allowance(
        limit=rate.burst,
        left=(full - backlog_us) // gap,
        full_s=-(-backlog_us // SECOND),
        wait_ms=0 if taken else -(-(backlog_us + gap - full) // MILLISECOND),
        hold_ms=(backlog_us - gap) // MILLISECOND if taken and rate.leaky else 0,
    )


class Buckets:
    """Buckets by key, in bounded memory. Of each only the time is kept at which it is full again."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._full_at: OrderedDict[Hashable, int] = OrderedDict()

    def take(self, key: Hashable, rate: Rate) -> Allowance:
        """Take one of what the key may at this rate."""
        now = int(clock.monotonic() * SECOND)
        gap = gap_us(rate)
        full = gap * rate.burst
        before = max(0, self._full_at.get(key, 0) - now)
        backlog = min(before, full)
        if taken := backlog + gap <= full:
            backlog += gap
        if taken or backlog < before:  # or the rate was another one
            self._keep(key, now + backlog)
        return allowance(rate, backlog, taken=taken)

    def _keep(self, key: Hashable, full_at: int) -> None:
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)


def neighbourhood(address: str) -> str:
    """What counts as one address: an IPv4 one, or an IPv6 network, of which somebody has all addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((int(parsed), NETWORK), strict=False))
