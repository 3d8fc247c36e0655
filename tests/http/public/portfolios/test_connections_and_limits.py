"""A connection gets its responses in order, and an IP address a limited number of responses."""

import asyncio
from ipaddress import ip_network

import pytest

from hubbub.core import metrics
from hubbub.ratelimit.rate import Rate
from tests.http.public.portfolios.requests import load
from tests.support.live_instance import LiveInstance
from tests.support.public_portfolio import add, public_portfolio
from tests.support.waiting import until

# --- connections ---


async def exchange(instance, *requests):
    """Send requests over one connection, all at once. Return what the server sends until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write("".join(requests).encode())
    received = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return received


def raw_request(version="HTTP/1.1", connection="keep-alive", method="GET"):
    path = "/api/v1/public/portfolio/ada"
    return f"{method} {path} {version}\r\nHost: x\r\nConnection: {connection}\r\n\r\n"


async def test_requests_on_one_connection_get_their_responses_in_order(instance):
    await public_portfolio(instance)
    _, _, body = await load(instance, "ada")

    received = await exchange(
        instance, raw_request(), raw_request(method="HEAD"), raw_request(), raw_request(connection="close")
    )

    heads = received.replace(body, b"").split(b"\r\n\r\n")
    assert received.count(body) == 3
    assert [head.split(b"\r\n")[0] for head in heads] == [b"HTTP/1.1 200 OK"] * 4 + [b""]
    assert all(b"Content-Length: %d\r\n" % len(body) in head for head in heads[:4])
    assert b"Connection: close" in heads[3]


async def test_a_client_that_does_not_read_its_responses_gets_no_more_of_them(instance):
    ada, _ = await public_portfolio(instance)
    await add(ada, "blog", title="Long", content="x" * 30_000)
    _, _, body = await load(instance, "ada")
    sent_before = metrics.labelled["requests"]["200"]
    counts = []

    def is_stable():
        counts.append(metrics.labelled["requests"]["200"] - sent_before)
        return counts[-1] > 0 and counts[-30:] == [counts[-1]] * 30

    _, writer = await asyncio.open_connection("127.0.0.1", instance.app.port)
    writer.write(raw_request().encode() * 2000)
    await until(is_stable)

    assert counts[-1] * len(body) < 20_000_000  # the buffers of the sockets
    writer.transport.abort()


async def test_a_client_of_http_1_0_gets_a_response_and_the_end_of_the_connection(instance):
    await public_portfolio(instance)
    _, _, body = await load(instance, "ada")

    received = await exchange(instance, raw_request("HTTP/1.0", "close"))

    assert received.startswith(b"HTTP/1.0 200 OK")
    assert received.endswith(b"\r\n\r\n" + body)


# --- limits ---


@pytest.fixture
async def limited_instance(settings):
    limited = settings.model_copy(
        update={
            "limit_public": Rate(3, 0.001),
            "trusted_proxies": (ip_network("127.0.0.0/8"),),
            "addresses_deny": (ip_network("198.51.100.0/24"),),
        }
    )
    async with LiveInstance(limited) as instance:
        await public_portfolio(instance)
        yield instance


def from_ip(ip):
    return {"X-Forwarded-For": ip}


@pytest.mark.parametrize("path", ["ada", "ada/projects?q=bridge", "nobody", "ada/ships"])
async def test_an_ip_address_over_the_limit_is_refused_before_any_query(limited_instance, path):
    await load(limited_instance, "ada", headers=from_ip("192.0.2.99"))
    allowed = [await load(limited_instance, path, headers=from_ip("192.0.2.1")) for _ in range(3)]
    statements = metrics.counters["database_statements"]

    status, headers, _ = await load(limited_instance, path, headers=from_ip("192.0.2.1"))

    assert 429 not in [each[0] for each in allowed]
    assert (status, headers["RateLimit-Remaining"], headers["RateLimit-Limit"]) == (429, "0", "3")
    assert int(headers["Retry-After"]) > 0
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert metrics.counters["database_statements"] == statements
    assert (await load(limited_instance, "ada", headers=from_ip("192.0.2.2")))[0] == 200


async def test_a_login_neither_lifts_nor_shares_the_limit(limited_instance):
    ada = limited_instance.users["ada"]
    token = {"Authorization": f"Bearer {ada.token}", **from_ip("192.0.2.1")}

    statuses = [(await load(limited_instance, "ada", headers=token))[0] for _ in range(4)]

    assert statuses == [200, 200, 200, 429]
    assert (await ada.rest("GET", "/auth/me", headers=from_ip("192.0.2.1")))[0] == 200


async def test_a_denied_network_reads_nothing_from_memory(limited_instance):
    await load(limited_instance, "ada", headers=from_ip("192.0.2.1"))

    assert (await load(limited_instance, "ada", headers=from_ip("198.51.100.7")))[0] == 403
