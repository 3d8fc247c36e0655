import logging
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from hubbub.core import cors
from hubbub.core.cors import CorsOrigins, normalize

LISTED = "https://app.example"
PUBLIC = "https://chat.example/below"
PROXY = ip_network("10.0.0.0/8")


class Transport:
    """The part of a transport that has the address of the client."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._peer, 1) if name == "peername" else default


def request(peer: str = "192.0.2.1", **headers: str):
    given = {"Host": "127.0.0.1:8000", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return make_mocked_request("GET", "/", given, transport=Transport(peer))


@pytest.fixture
def origins():
    return CorsOrigins([LISTED], PUBLIC, [PROXY])


@pytest.mark.parametrize(
    "origin",
    [
        LISTED,
        "HTTPS://APP.example",
        "https://app.example:443",
        "https://chat.example",
        "http://127.0.0.1:8000",
    ],
)
def test_listed_origins_and_the_own_origin_are_accepted(origins, origin):
    assert origins.accepts(request(), origin)


@pytest.mark.parametrize(
    "origin",
    [
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "https://evil.example/https://app.example",
        "https://app.example@evil.example",
        "http://127.0.0.1",
        "https://127.0.0.1:8000",
        "null",
        "",
        "https://[",
        "x" * 100_000,
        "\x00\x1b",
    ],
)
def test_other_origins_are_refused(origins, origin):
    assert not origins.accepts(request(), origin)


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X_Forwarded_Proto": "https"}, "https://127.0.0.1:8000"),
        ({"X_Forwarded_Host": "other.example"}, "http://other.example"),
        ({"X_Forwarded_Proto": "https", "X_Forwarded_Host": "other.example"}, "https://other.example"),
        (
            {"X_Forwarded_Proto": "https, http", "X_Forwarded_Host": "other.example, in"},
            "https://other.example",
        ),
        ({"X_Forwarded_Proto": "https", "Host": "Other.Example:443"}, "https://other.example"),
        ({"X_Forwarded_Proto": "https", "Host": "[2001:DB8::1]:443"}, "https://[2001:db8::1]"),
    ],
)
@pytest.mark.parametrize(("peer", "trusted"), [("10.1.2.3", True), ("192.0.2.1", False), ("", False)])
def test_a_forwarded_host_counts_if_the_proxy_is_trusted(origins, headers, origin, peer, trusted):
    assert origins.accepts(request(peer, **headers), origin) is trusted


def test_both_spellings_of_an_international_name_are_equal():
    origins = CorsOrigins(["https://bücher.example"], None, [])

    assert origins.accepts(request(), "https://xn--bcher-kva.example")


@pytest.mark.parametrize("origin", [LISTED, "null", "https://evil.example", "http://127.0.0.1:8000"])
def test_any_origin_is_accepted_where_the_list_says_so(origin):
    assert CorsOrigins(["*"], None, []).accepts(request(), origin)


def test_a_refusal_is_logged_once_an_hour_per_origin_with_the_setting(origins, caplog, monkeypatch):
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            origins.accepts(request(), "https://one.example")
            origins.accepts(request(), "https://two.example\r\nforged")
        later = cors.clock.monotonic() + 3601
        monkeypatch.setattr(cors.clock, "monotonic", lambda: later)
        origins.accepts(request(), "https://one.example")

    assert [record.origin for record in caplog.records] == [
        "https://one.example",
        "https://two.exampleforged",
        "https://one.example",
    ]
    assert all("HUBBUB_CORS_ORIGINS" in record.message for record in caplog.records)


def test_many_origins_write_a_bounded_number_of_lines(origins, caplog):
    for number in range(1000):
        origins.accepts(request(), f"https://n{number}.example")

    assert len(caplog.records) == cors.MAX_WARNED_ORIGINS


@pytest.mark.parametrize(
    "text", ["https://chat.example:99999", "https://[::1", "a b", "://", "https://" + "é" * 70]
)
def test_an_invalid_origin_is_compared_as_text(text):
    assert normalize(text) == text
