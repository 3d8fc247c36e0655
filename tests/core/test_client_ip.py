from ipaddress import ip_network

import pytest

from hubbub.core import client_ip

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # not a proxy of ours: a header alone proves nothing
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what the client claims is further left
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "198.51.100.7,, 10.0.0.2 ,", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.7, <script>", "10.0.0.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.7", "198.51.100.7"),
        ("", "198.51.100.7", ""),
    ],
)
def test_the_client_is_the_nearest_hop_that_is_not_a_proxy(peer, forwarded, expected):
    assert client_ip.resolve(peer, forwarded, PROXIES) == expected


def test_the_header_is_ignored_without_proxies():
    assert client_ip.resolve("127.0.0.1", "198.51.100.7", ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("::1", "::1"),
        ("2001:DB8:0000:0:0:0:0:0001", "2001:db8::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ip_address_has_one_spelling(written, plain):
    assert client_ip.normalize(written) == plain


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        ("198.51.100.7:4711", "198.51.100.7"),  # Azure writes the port
        ("[2001:db8::7]:4711", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ('"[2001:db8::7]:4711"', "2001:db8::7"),  # in quotes, as RFC 7239 has it
        ('"[2001:db8::7]"', "2001:db8::7"),
        ('"198.51.100.7:4711"', "198.51.100.7"),
        ('"198.51.100.7"', "198.51.100.7"),
        ('"2001:DB8:0:0::7"', "2001:db8::7"),
        ('203.0.113.9, "[2001:db8::7]:4711"', "2001:db8::7"),
        ('"203.0.113.9", "10.0.0.3"', "203.0.113.9"),
        ('"', "10.0.0.1"),
        ('""', "10.0.0.1"),
        ('"198.51.100.7', "10.0.0.1"),
        ('198.51.100.7"', "10.0.0.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("198.51.100.7:http", "10.0.0.1"),
        ("[198.51.100.7]x", "10.0.0.1"),
        ("[", "10.0.0.1"),
        (":", "10.0.0.1"),
        ("198.51.100.7%0d%0aX: 1", "10.0.0.1"),
        ("1" * 5000, "10.0.0.1"),
        ("127.0.0.1, 198.51.100.7", "198.51.100.7"),  # a claim to be near
        ("198.51.100.7, 10.0.0.9, garbage, 10.0.0.2", "10.0.0.2"),  # garbage is not trusted
    ],
)
def test_an_invalid_forwarded_value_gives_the_address_of_the_proxy(forwarded, expected):
    assert client_ip.resolve("10.0.0.1", forwarded, PROXIES) == expected


ALLOW = (ip_network("203.0.113.0/24"), ip_network("2001:db8::/32"))
DENY = (ip_network("203.0.113.66/32"), ip_network("2001:db8:bad::/48"))


@pytest.mark.parametrize(
    ("address", "allow", "deny", "accepted"),
    [
        ("192.0.2.1", (), (), True),
        ("", (), (), True),
        ("203.0.113.1", ALLOW, DENY, True),
        ("::ffff:203.0.113.1", ALLOW, DENY, True),
        ("203.0.113.66", ALLOW, DENY, False),  # deny beats allow
        ("::ffff:203.0.113.66", (), DENY, False),
        ("192.0.2.1", ALLOW, (), False),
        ("192.0.2.1", (), DENY, True),
        ("2001:db8:1::1", ALLOW, DENY, True),
        ("2001:db8:bad::1", ALLOW, DENY, False),
        ("unix", ALLOW, (), False),
        ("unix", (), DENY, True),
    ],
)
def test_the_allow_and_deny_lists_decide(address, allow, deny, accepted):
    assert client_ip.is_allowed(address, allow, deny) is accepted


@pytest.mark.parametrize(
    ("address", "is_loopback"),
    [("127.0.0.1", True), ("::1", True), ("::ffff:127.0.0.9", True), ("192.0.2.1", False), ("", False)],
)
def test_loopback_addresses_are_recognized(address, is_loopback):
    assert client_ip.is_loopback(address) is is_loopback
