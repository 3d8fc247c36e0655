"""Refused IP addresses get an error at the first request, over REST and sockets."""

from ipaddress import ip_network

import aiohttp
import pytest

from hubbub.config import Settings
from hubbub.core import metrics

ALLOWED, DENIED, OTHER = "203.0.113.1", "203.0.113.66", "192.0.2.1"


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def settings(database_url, tmp_path):
    return Settings.for_tests(
        database_url=database_url,
        data_dir=tmp_path,
        port=0,
        trusted_proxies="127.0.0.0/8",
        addresses_allow="203.0.113.0/24,2001:db8::/32",
        addresses_deny="203.0.113.66",
    )


async def ask(instance, path, forwarded=None, method="GET"):
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    async with instance.http.request(method, instance.url + path, headers=headers) as answer:
        return answer.status, answer.headers, await answer.text()


@pytest.mark.parametrize(
    ("forwarded", "admitted"),
    [
        (ALLOWED, True),
        ("::ffff:203.0.113.1", True),
        ("2001:db8::7", True),
        (f"{OTHER}, {ALLOWED}", True),
        (DENIED, False),
        (f"{DENIED}:4711", False),
        ("::ffff:203.0.113.66", False),
        (OTHER, False),
        (f"{ALLOWED}, {OTHER}", False),  # what a client claims of itself
        ("garbage", False),
        (None, False),  # the IP address of the proxy itself is not allowed
    ],
)
@pytest.mark.parametrize(
    "path", ["/api/v1/auth/me", "/", "/socket.io/?EIO=4&transport=polling", "/health/live"]
)
async def test_every_edge_applies_the_same_filter(instance, path, forwarded, admitted):
    refused = metrics.counters["ip_addresses_blocked"]

    status, headers, text = await ask(instance, path, forwarded)

    if path == "/health/live" and forwarded is None:
        admitted = True  # a request from this machine
    assert (status == 403) is not admitted
    assert (metrics.counters["ip_addresses_blocked"] > refused) is not admitted
    if not admitted:
        assert headers["Content-Type"].startswith("application/problem+json")
        assert '"code":"forbidden"' in text.replace(" ", "")
        assert "X-Request-ID" in headers


async def test_preflights_are_refused_too(instance):
    assert (await ask(instance, "/api/v1/auth/me", DENIED, "OPTIONS"))[0] == 403


async def test_a_blocked_websocket_is_refused_at_the_handshake(instance):
    url = f"{instance.url}/socket.io/?EIO=4&transport=websocket"

    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await instance.http.ws_connect(url, headers={"X-Forwarded-For": DENIED})

    assert refused.value.status == 403
    assert not instance.app.sio.eio.sockets
    async with instance.http.ws_connect(url, headers={"X-Forwarded-For": ALLOWED}) as socket:
        assert (await socket.receive_str(timeout=10)).startswith("0{")


def test_configured_networks_are_compared_in_canonical_form():
    settings = Settings.for_tests(addresses_deny="::ffff:192.0.2.0/120, 198.51.100.7")

    assert settings.addresses_deny == (ip_network("192.0.2.0/24"), ip_network("198.51.100.7/32"))
