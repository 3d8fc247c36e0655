"""Buckets by key."""

import pytest

from hubbub.core.allowances import Allowance, Allowances, neighbourhood
from hubbub.core.limits import Rate


def test_each_key_has_its_own() -> None:
    allowances = Allowances(Rate(2, 0.001))

    assert allowances.take("ada") == Allowance(2, 1, 1000, 0)
    assert allowances.take("ada") == Allowance(2, 0, 2000, 0)
    refused = allowances.take("ada")
    assert refused is not None
    assert 0 < refused.wait_ms <= 1_000_001
    assert allowances.take("bob") == Allowance(2, 1, 1000, 0)


def test_off_limits_nothing() -> None:
    assert Allowances(None).take("ada") is None


def test_memory_is_bounded_and_who_asks_is_remembered() -> None:
    allowances = Allowances(Rate(1, 0.001), most=2)
    for key in ("ada", "bob", "ada", "eve"):
        allowances.take(key)

    again = {key: allowances.take(key) for key in ("ada", "bob")}

    assert again["ada"] is not None
    assert again["ada"].wait_ms > 0
    assert again["bob"] is not None
    assert again["bob"].wait_ms == 0


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
