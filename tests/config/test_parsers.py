"""The syntax of values."""

from ipaddress import ip_network

import pytest

from hubbub.config import parsers
from hubbub.ratelimit.rate import Rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("30/10", Rate(30, 10)),
        (" 10/0.17 ", Rate(10, 0.17)),
        ("off", None),
        ("OFF", None),
        (Rate(1, 2), Rate(1, 2)),
        (None, None),
    ],
)
def test_a_rate_is_a_bucket_and_its_refill(text, rate):
    assert parsers.rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "30", "0/1", "1/0", "-1/2", "1/-2", "a/b", "1/2/3", "1/nan", "1/inf", "1,5/2"]
)
def test_an_invalid_rate_is_refused(text):
    with pytest.raises(ValueError, match="30/10"):
        parsers.rate(text)


@pytest.mark.parametrize("text", ["30/10", "10/0.17", "10/0.0028", "off"])
def test_a_rate_is_formatted_as_it_is_parsed(text):
    assert parsers.format_rate(parsers.rate(text)) == text


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("a,b", ("a", "b")),
        (" a , ,b,, a", ("a", "b")),
        ("", ()),
        (["a", "b"], ("a", "b")),
        ("日本,x", ("日本", "x")),
    ],
)
def test_a_list_is_text_between_commas(text, items):
    assert parsers.split_list(text) == items


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500MB", 500_000_000),
        ("500 mb", 500_000_000),
        ("1.5GB", 1_500_000_000),
        ("2GiB", 2 << 30),
        ("64k", 64_000),
        ("0", 0),
        ("1048576", 1_048_576),
        (500_000_000, 500_000_000),
        ("100B", 100),
    ],
)
def test_a_size_is_a_number_of_bytes_with_an_optional_unit(text, size):
    assert parsers.byte_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "1,5GB", "5XB", "1e9", "1 2", "nan", None])
def test_an_invalid_size_is_refused(text):
    with pytest.raises(ValueError, match="500MB"):
        parsers.byte_size(text)


def test_an_invalid_list_is_refused():
    with pytest.raises(ValueError, match="list"):
        parsers.split_list(3)


def test_networks_are_cidr_or_single_addresses():
    found = parsers.networks("10.0.0.0/8, 192.168.1.1, fd00::/8")

    assert found == (ip_network("10.0.0.0/8"), ip_network("192.168.1.1/32"), ip_network("fd00::/8"))


def test_a_parsed_network_can_be_parsed_again():
    assert parsers.networks((ip_network("10.0.0.0/8"),)) == (ip_network("10.0.0.0/8"),)


def test_a_host_address_with_a_mask_is_an_error_with_a_suggestion():
    with pytest.raises(ValueError, match=r"did you mean 10\.0\.0\.0/8\?"):
        parsers.networks("10.1.2.3/8")


@pytest.mark.parametrize("text", ["proxy", "10.0.0/8", "10.0.0.0/33", "*"])
def test_an_invalid_network_is_refused(text):
    with pytest.raises(ValueError, match="not one"):
        parsers.networks(text)


def test_origins_are_accepted_as_browsers_send_them():
    found = parsers.origins("https://Chat.Example/, http://localhost:3000,*")

    assert found == ("https://chat.example", "http://localhost:3000", "*")


@pytest.mark.parametrize(
    "text",
    [
        "chat.example",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u@a",
        "https://a:port",
        "https://[::1",
    ],
)
def test_an_invalid_origin_is_refused(text):
    with pytest.raises(ValueError, match=r"not one|brackets"):
        parsers.origins(text)


@pytest.mark.parametrize(
    "text", ["x" * 81, "\ufdfa" * 5, "a\x07", "a\nb", "\u200b", "\u3164", "\u202ea"], ids=ascii
)
def test_an_invalid_room_name_is_refused(text):
    assert parsers.names("x" * 80) == ("x" * 80,)
    with pytest.raises(ValueError, match="is not such a name"):
        parsers.names(text)


@pytest.mark.parametrize("text", ["hub@example.org", "hubbub <hub@example.org>", "<hub@example.org>"])
def test_a_sender_is_an_email_address_with_or_without_a_name(text):
    assert parsers.sender(text) == text


@pytest.mark.parametrize("text", ["hubbub", "hub@", "a b@c", "x <a@b>\r\nBcc: c@d", "<a@b", ""])
def test_an_invalid_sender_is_refused(text):
    with pytest.raises(ValueError, match="must be an e-mail address"):
        parsers.sender(text)


@pytest.mark.parametrize(
    ("text", "displayed"),
    [
        ("postgres://hub:s3cret@host/db", "postgres://hub:***@host/db"),
        ("postgres://hub:s3:c@ret@host/db", "postgres://hub:***@host/db"),
        ("postgres://hub:s3/cret@host/db", "postgres://hub:***@host/db"),
        ("redis://:s3cret@host/0", "redis://:***@host/0"),
        ("postgres://host/db?password=s3cret&x=1", "postgres://host/db?password=***&x=1"),
        ("postgres://hub@host:5432/db", "postgres://hub@host:5432/db"),
        ("sqlite:///var/hubbub.db", "sqlite:///var/hubbub.db"),
        ("plain", "plain"),
    ],
)
def test_a_password_in_a_url_is_masked(text, displayed):
    assert parsers.mask_secrets(text) == displayed


def test_a_rate_may_leak_where_callers_can_wait():
    assert parsers.rate("20 / 5".replace(" ", "") + " LEAKY", allow_leaky=True) == Rate(20, 5, leaky=True)
    assert parsers.format_rate(parsers.rate("20/5 leaky", allow_leaky=True)) == "20/5 leaky"
    assert parsers.rate("off", allow_leaky=True) is None


@pytest.mark.parametrize("text", ["100/5 leaky", "off leaky", "leaky", "20/5 dripping"])
def test_a_leaky_rate_is_refused_where_callers_cannot_wait(text):
    with pytest.raises(ValueError, match="must be"):
        parsers.rate(text, allow_leaky=True)


def test_a_leaky_rate_is_refused_for_sockets():
    with pytest.raises(ValueError, match="must be"):
        parsers.rate("20/5 leaky")


def test_tiers_are_factors_of_roles():
    found = parsers.tiers("moderator=2, Admin = OFF,user=0.5")

    assert found == (("moderator", 2), ("admin", None), ("user", 0.5))
    assert ",".join(str(tier) for tier in found) == "moderator=2,admin=off,user=0.5"
    assert parsers.tiers(found) == found
    assert parsers.tiers("") == ()


@pytest.mark.parametrize("text", ["king=2", "admin", "admin=", "admin=0", "admin=-1", "admin=many", "=2"])
def test_an_invalid_tier_is_refused(text):
    with pytest.raises(ValueError, match="like moderator=2"):
        parsers.tiers(text)
