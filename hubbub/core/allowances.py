"""Token buckets by key: what each user, address or account may still do, in bounded memory."""

from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import NamedTuple

from hubbub.core.limits import Bucket, Rate

MOST = 50_000  # keys of one kind; beyond it the one that asked longest ago is forgotten
NETWORK = 64  # bits of an IPv6 address that one customer has to themselves


class Allowance(NamedTuple):
    """What is left after one was taken. `wait_ms` is 0 unless there was none."""

    limit: int
    left: int
    full_s: int
    wait_ms: int


class Allowances:
    """Buckets of one rate."""

    def __init__(self, rate: Rate | None, most: int = MOST) -> None:
        self._rate = rate
        self._most = most
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def take(self, key: Hashable) -> Allowance | None:
        """Take one of what the key may; None where nothing is limited."""
        rate = self._rate
        if rate is None:
            return None
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(rate)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        wait_ms = bucket.take()
        full_s = ceil((rate.burst - bucket.level) / rate.per_s)
        return Allowance(rate.burst, int(bucket.level), full_s, wait_ms)


def neighbourhood(address: str) -> str:
    """What counts as one address: an IPv4 one, or an IPv6 network, of which somebody has all addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    return str(ip_network((int(parsed), NETWORK), strict=False))
