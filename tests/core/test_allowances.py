"""Buckets by key. What they have in common with those in Redis is in tests/cluster/test_allowances.py."""

import pytest

from hubbub.core import clock
from hubbub.core.allowances import Allowance, Buckets, allowance, neighbourhood
from hubbub.core.limits import Rate


def test_each_key_has_its_own(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 1234.567)
    buckets, rate = Buckets(), Rate(2, 0.001)

    assert buckets.take("ada", rate) == Allowance(2, 1, 1000, 0)
    assert buckets.take("ada", rate) == Allowance(2, 0, 2000, 0)
    assert buckets.take("ada", rate) == Allowance(2, 0, 2000, 1_000_000)
    assert buckets.take("bob", rate) == Allowance(2, 1, 1000, 0)


def test_a_bucket_fills_with_time_and_no_further(monkeypatch) -> None:
    buckets, rate, now = Buckets(), Rate(3, 10), 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for _ in range(4):
        buckets.take("ada", rate)

    now += 0.25
    assert [buckets.take("ada", rate).wait_ms > 0 for _ in range(3)] == [False, False, True]
    now += 3600
    assert [buckets.take("ada", rate).wait_ms > 0 for _ in range(4)] == [False, False, False, True]


def test_a_rate_that_got_smaller_keeps_nobody_out_for_longer_than_it_says(monkeypatch) -> None:
    buckets, now = Buckets(), 50.0
    monkeypatch.setattr(clock, "monotonic", lambda: now)
    for _ in range(60):
        buckets.take("ada", Rate(60, 0.01))

    assert buckets.take("ada", Rate(2, 1)).wait_ms == 1000
    now += 1
    assert buckets.take("ada", Rate(2, 1)).wait_ms == 0


def test_out_of_a_leaky_bucket_comes_one_at_a_time(monkeypatch) -> None:
    monkeypatch.setattr(clock, "monotonic", lambda: 99.0)
    buckets, rate = Buckets(), Rate(3, 10, leaky=True)

    found = [buckets.take("ada", rate) for _ in range(4)]

    assert [(each.wait_ms, each.hold_ms) for each in found] == [(0, 0), (0, 100), (0, 200), (100, 0)]


def test_memory_is_bounded_and_who_asks_is_remembered() -> None:
    buckets, rate = Buckets(most=2), Rate(1, 0.001)
    for key in ("ada", "bob", "ada", "eve"):
        buckets.take(key, rate)

    # "ada" was refused, which is no reason to remember her for longer; what is new is.
    assert len(buckets._full_at) == 2
    assert buckets.take("eve", rate).wait_ms > 0


def test_a_refill_too_fast_for_a_microsecond_is_one() -> None:
    assert allowance(Rate(5, 1e9), 1, taken=True) == Allowance(5, 4, 1, 0)


@pytest.mark.parametrize(
    ("address", "counts_as"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_address(address: str, counts_as: str) -> None:
    assert neighbourhood(address) == counts_as
