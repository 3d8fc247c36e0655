"""Buckets by key. What they share with those in Redis is in tests/cluster/test_rate_limiter.py."""

import gc
import time

import pytest

from hubbub.core import clock
from hubbub.core.client_ip import rate_limit_key, wider_key
from hubbub.ratelimit.gcra import Decision, GcraLimiter, decide
from hubbub.ratelimit.rate import Rate


def test_each_key_is_counted_separately(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1234.567)
    buckets, rate = GcraLimiter(), Rate(2, 0.001)

    assert buckets.acquire("ada", rate) == Decision(2, 1, 1000, 0)
    assert buckets.acquire("ada", rate) == Decision(2, 0, 2000, 0)
    assert buckets.acquire("ada", rate) == Decision(2, 0, 2000, 1_000_000)
    assert buckets.acquire("bob", rate) == Decision(2, 1, 1000, 0)


def test_a_bucket_refills_over_time_up_to_its_burst(monkeypatch) -> None:
    buckets, rate, now = GcraLimiter(), Rate(3, 10), 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for _ in range(4):
        buckets.acquire("ada", rate)

    now += 0.25
    assert [buckets.acquire("ada", rate).wait_ms > 0 for _ in range(3)] == [False, False, True]
    now += 3600
    assert [buckets.acquire("ada", rate).wait_ms > 0 for _ in range(4)] == [False, False, False, True]


def test_a_reduced_rate_applies_at_once(monkeypatch) -> None:
    buckets, now = GcraLimiter(), 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for _ in range(60):
        buckets.acquire("ada", Rate(60, 0.01))

    assert buckets.acquire("ada", Rate(2, 1)).wait_ms == 1000
    now += 1
    assert buckets.acquire("ada", Rate(2, 1)).wait_ms == 0


def test_a_leaky_bucket_releases_one_at_a_time(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 99.0)
    buckets, rate = GcraLimiter(), Rate(3, 10, leaky=True)

    found = [buckets.acquire("ada", rate) for _ in range(4)]

    assert [(each.wait_ms, each.delay_ms) for each in found] == [(0, 0), (0, 100), (0, 200), (100, 0)]


FLOODS = {
    "users": lambda number: f"user-{number}",
    "addresses": lambda number: f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}",
    "networks of one site": lambda number: f"2001:db8:1:{number:x}::/64",
    "networks of many sites": lambda number: f"2001:db8:{number:x}:1::/64",
    "pairs": lambda number: ("login", number),
}


@pytest.mark.parametrize("flood", FLOODS)
@pytest.mark.parametrize("takes", [1, 3])
def test_many_keys_refill_no_bucket(monkeypatch, flood: str, takes: int) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 50.0)
    buckets, rate = GcraLimiter(max_keys=100), Rate(10, 0.01)
    for _ in range(10):
        buckets.acquire("victim", rate)

    for number in range(1000):
        for _ in range(takes):
            buckets.acquire(FLOODS[flood](number), rate)

    assert buckets.acquire("victim", rate).wait_ms > 0
    assert len(buckets) <= 100


def test_a_new_key_gets_what_many_keys_left(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 50.0)
    buckets, rate = GcraLimiter(max_keys=100), Rate(10, 0.01)
    for number in range(200):  # each of 100 keys could have had one or two
        buckets.acquire(number, rate)

    assert 8 <= 1 + buckets.acquire("ada", rate).remaining <= 10


def test_the_networks_of_one_site_share_a_bucket_when_memory_is_full(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 50.0)
    buckets, rate = GcraLimiter(max_keys=50), Rate(10, 0.01)
    networks = [f"2001:db8:7:{number:x}::/64" for number in range(200)]

    taken = [not buckets.acquire(network, rate).wait_ms for network in networks]

    assert sum(taken) <= 60  # one bucket each while memory lasted, then ten share one
    assert not buckets.acquire("2001:db8:8:1::/64", rate).wait_ms


def test_full_buckets_are_removed(monkeypatch) -> None:
    now = 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    buckets, rate = GcraLimiter(), Rate(10, 1)
    for number in range(10_000):
        buckets.acquire(number, rate)

    now += 60
    for number in range(1000):
        buckets.acquire("ada" if number else "bob", rate)
        buckets.acquire(number % 700, rate)

    assert len(buckets) <= 702


@pytest.fixture
def no_collections():
    """The garbage of other tests is not collected in the time of this one."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_no_call_takes_long_with_many_keys(monkeypatch, no_collections) -> None:
    now = 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    buckets, rate, longest = GcraLimiter(), Rate(10, 0.01), 0.0

    for number in range(80_000):
        now = 50.0 + number * 1e-6
        key = number if number < 50_000 or number % 2 else number - 30_000  # new keys, and all times outdated
        began = time.thread_time()
        buckets.acquire(key, rate)
        longest = max(longest, time.thread_time() - began)

    assert len(buckets) == 50_000
    assert longest < 0.1  # of processor time; usually less than 1 ms


@pytest.mark.parametrize(
    ("network", "site"),
    [
        ("2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::/64", "fe80::/48"),
        ("192.0.2.7", None),
        ("ada/64", None),
        ("", None),
    ],
)
def test_an_ipv6_network_belongs_to_a_site(network: str, site: str | None) -> None:
    assert wider_key(network) == site


def test_a_refill_faster_than_a_microsecond_is_one_microsecond() -> None:
    assert decide(Rate(5, 1e9), 1, allowed=True) == Decision(5, 4, 1, 0)


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_counts_as_one_ip_address(address: str, counts_as: str) -> None:
    assert rate_limit_key(address) == counts_as
