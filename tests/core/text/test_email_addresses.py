"""Valid e-mail addresses, and spellings of the same address."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.text import email_addresses

REFUSED = [
    "nonsense",
    "@example.org",
    "ada@",
    "a da@example.org",
    "ada@example.org\n",
    "ada@exa\nmple.org",
    "ada\x00@example.org",
    "ada\u200b@example.org",  # zero width
    "ada\ufe0f@example.org",  # a variation selector
    "ada\u3164@example.org",  # a filler
    "ada\ud800@example.org",
    "ada@\ud800.org",
    "ada@example.org,eve@example.org",
    "Ada <ada@example.org>",
    "<ada@example.org>",
    "ada@home@example.org",
    "ada;eve@example.org",
    "ada(eve)@example.org",
    '"ada"@example.org',
    '"a da"@example.org',
    "a\\da@example.org",
    "ada..l@example.org",
    ".ada@example.org",
    "ada.@example.org",
    "a" * 65 + "@example.org",
    "ü" * 33 + "@example.org",  # 66 bytes
    "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".example",
    # Encoded words (RFC 2047), also written wide or in capitals, in either half.
    "=?utf-8?q?ada=0d=0abcc=3a=20other=40example.net?=@example.org",
    "=?UTF-8?B?YWRh?=@example.org",
    "\uff1d\uff1futf-8?q?ada?=@example.org",
    "ada=?us-ascii?q?x?=@example.org",
    "ada@=?utf-8?q?example?=.org",
    # Names that DNS does not have, or that belong to no host.
    "ada@example",
    "ada@localhost",
    "ada@[127.0.0.1]",
    "ada@127.0.0.1",
    "ada@2130706433",
    "ada@exam_ple.org",
    "ada@-example.org",
    "ada@example-.org",
    "ada@example..org",
    "ada@.example.org",
    "ada@example.org..",
    "ada@\u3002",
    "ada@" + "b" * 64 + ".org",
    "ada@xn--a.org",
    "ada@exa\u00admple.org",
    "ada@\U0001f41d.ws",
    "ada@deleted.invalid",
]

ONE = [
    ("ada@example.org", " ada@example.org "),
    ("ada@example.org", "Ada@Example.ORG"),
    ("ada@example.org", "ada@example.org."),
    ("ada@example.org", "ada@example.org\u3002"),
    ("ada@example.org", "ada@example.org\uff0e"),
    ("ada@example.org", "ada@example.org\uff61"),
    ("ada@example.org", "ada@example\u3002org"),
    ("ada@example.org", "ada@\uff45xample.org"),
    ("ada@example.org", "\uff41da\uff20example.org"),
    ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ("ada@xn--bcher-kva.example", "ada@BÜCHER.example."),
    ("ada@xn--bcher-kva.example", "ada@bu\u0308cher.example"),
    ("ada@xn--bcher-kva.example", "ada@XN--Bcher-KVA.example"),
    ("jürgen@example.org", "JU\u0308RGEN@example.org"),
]


@pytest.mark.parametrize("text", REFUSED)
def test_an_undeliverable_address_is_invalid(text):
    assert email_addresses.canonical(text) is None


@pytest.mark.parametrize(("email", "text"), ONE)
def test_all_spellings_of_a_mailbox_are_one_address(email, text):
    assert email_addresses.canonical(text) == email
    assert email_addresses.normalize(text) == email
    assert email in email_addresses.spellings(text)


@pytest.mark.parametrize(
    "text",
    [
        "o'brien+chat=1@example.co.uk",
        "!#$%&*/?^_`{|}~-@example.org",
        "李@example.org",
        "ada@xn--fa-hia.example",  # faß is not fass
        "ada@ab--cd.example",
        "a" * 64 + "@example.org",
    ],
)
def test_unusual_addresses_are_valid(text):
    assert email_addresses.canonical(text) == text


@pytest.mark.parametrize("text", ["ada@example.org.", "ada@bücher.example", "ada@home", "a..b@example.org"])
def test_a_form_stored_earlier_is_found_first(text):
    assert email_addresses.spellings(text.upper())[0] == text


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_canonical_address_is_its_own_canonical_form(local, domain):
    email = email_addresses.canonical(f"{local}@{domain}.example")

    if email is not None:
        assert email_addresses.canonical(email) == email
        assert email.count("@") == 1
        assert email.isprintable()
        assert "=?" not in email


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("hubbub <hubbub@localhost>", ("hubbub", "hubbub@localhost")),
        ("Chat@example.org", ("", "Chat@example.org")),
        ("<chat@example.org>", ("", "chat@example.org")),
        ('"Ada, Inc." <chat@example.org>', ("Ada, Inc.", "chat@example.org")),
        ("Grüße <chat@bücher.example>", ("Grüße", "chat@xn--bcher-kva.example")),
        ("=?utf-8?q?x?= <chat@example.org>", ("=?utf-8?q?x?=", "chat@example.org")),
    ],
)
def test_a_sender_is_a_name_and_an_address(text, sender):
    assert email_addresses.parse_sender(text) == sender


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hubbub",
        "hubbub <chat>",
        "a <chat@example.org>, b <eve@example.org>",
        "a <b> <chat@example.org>",
        "hubbub\r\nBcc: eve@example.org <chat@example.org>",
        "=?utf-8?q?x=0d=0aBcc:?=@example.org",
        "hubbub <=?utf-8?q?x?=@example.org>",
    ],
)
def test_an_invalid_sender_is_refused(text):
    assert email_addresses.parse_sender(text) is None
