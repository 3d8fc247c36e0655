"""One IP address has its share of an instance: requests without a login, new and open connections."""

import asyncio
import resource
import socket
import struct
import time
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hubbub import app
from hubbub.config import Settings
from hubbub.core import metrics
from hubbub.http import ip_limits, listening
from hubbub.http.ip_limits import REQUEST_RATE, IpLimits
from hubbub.http.listening import BACKLOG
from hubbub.ratelimit.rate import Rate
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until

SOMAXCONN = int(Path("/proc/sys/net/core/somaxconn").read_text())  # the system's own bound
HERE, THERE = "127.0.0.1", "127.0.0.2"
ATTEMPTS = 40

# Requests that cost work and need no account: one per kind of response.
FREE = {
    "health": b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n",
    "unknown route": b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
    "not logged in": b"GET /api/v1/rooms HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad token": b"GET /api/v1/rooms HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n",
    "options": b"OPTIONS /api/v1/rooms HTTP/1.1\r\nHost: x\r\n\r\n",
    "static file": b"GET /api/docs HTTP/1.1\r\nHost: x\r\n\r\n",
    "unknown socket": b"GET /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n\r\n",
    "wrong transport": b"GET /socket.io/?EIO=4&transport=x HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
async def limited(instance: LiveInstance, monkeypatch: pytest.MonkeyPatch) -> IpLimits:
    """The limits of the running instance, with small numbers."""
    monkeypatch.setattr(ip_limits, "REQUEST_RATE", Rate(20, 40))
    monkeypatch.setattr(ip_limits, "CONNECTION_RATE", Rate(30, 10))
    server: Any = instance.app._site._runner.server
    limits: IpLimits = server.limits
    limits.limit_rates = True
    limits._clients.clear()
    return limits


async def connect(
    instance: LiveInstance, address: str = HERE
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", instance.app.port, local_addr=(address, 0))


async def responses(reader: asyncio.StreamReader, count: int) -> list[int]:
    found = []
    for _ in range(count):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        found.append(int(head.split()[1]))
        size = next((int(line[15:]) for line in head.split("\r\n") if line.startswith("content-length:")), 0)
        if head.split()[1] not in {"204", "304"}:
            await reader.readexactly(size)
    return found


@pytest.mark.parametrize("kind", FREE)
async def test_requests_over_the_limit_wait_on_every_route(
    instance: LiveInstance, limited: IpLimits, kind: str
) -> None:
    held = metrics.counters["requests_delayed"]
    began = time.monotonic()
    connections = [await connect(instance) for _ in range(2)]
    for _, writer in connections:
        writer.write(FREE[kind] * (ATTEMPTS // 2))
    for reader, writer in connections:
        await asyncio.wait_for(responses(reader, ATTEMPTS // 2), 10)
        writer.close()
    reader, writer = await connect(instance)
    writer.write(FREE[kind])
    await asyncio.wait_for(responses(reader, 1), 10)

    assert metrics.counters["requests_delayed"] > held
    assert time.monotonic() - began > 0.4  # 20 of 41 requests at 40 a second
    writer.close()


async def test_a_request_over_a_rate_limit_counts_as_several(settings: Settings) -> None:
    given = {"limit_http": Rate(2, 0.001)}
    async with LiveInstance(settings.model_copy(update=given)) as instance:
        server: Any = instance.app._site._runner.server
        reader, writer = await connect(instance, THERE)
        writer.write(FREE["not logged in"] * 22)
        assert await asyncio.wait_for(responses(reader, 22), 10) == [401] * 2 + [429] * 20
        writer.close()

        spent = REQUEST_RATE.burst - server.limits.client_of(THERE).request_budget
        assert spent == 2 + 20 * ip_limits.RATE_LIMITED_COST


async def test_the_limits_are_those_of_the_settings(settings: Settings) -> None:
    """Those of the instance were replaced by a set without rates, and no test noticed."""
    proxies = (ip_network("127.0.0.3/32"),)
    given = {"limit_http": Rate(60, 20), "trusted_proxies": proxies, "sockets_per_address": 7}
    async with LiveInstance(settings.model_copy(update=given)) as instance:
        server: Any = instance.app._site._runner.server
        _, writer = await connect(instance, THERE)
        writer.write(FREE["health"] * 2000)
        await until(lambda: server.limits.client_of(THERE).request_budget <= 0)
        writer.close()

        assert server.limits.trusted_proxies == proxies
        assert server.limits.max_connections == 14


async def test_another_ip_address_does_not_wait(instance: LiveInstance, limited: IpLimits) -> None:
    _, writer = await connect(instance)
    writer.write(FREE["health"] * 200)
    await until(lambda: limited.client_of(HERE).request_budget < 0)

    reader, other = await connect(instance, THERE)
    other.write(FREE["health"] * 5)
    assert await asyncio.wait_for(responses(reader, 5), 5) == [200] * 5
    assert limited.client_of(HERE).request_budget < 0
    writer.transport.abort()
    other.close()


async def test_requests_with_a_login_are_not_charged(instance: LiveInstance, limited: IpLimits) -> None:
    ada = await instance.register("ada")
    held = metrics.counters["requests_delayed"]
    async with aiohttp.ClientSession() as session:
        for _ in range(60):
            headers = {"Authorization": f"Bearer {ada.token}"}
            async with session.get(f"{instance.url}/api/v1/rooms", headers=headers) as response:
                assert response.status == 200

    assert metrics.counters["requests_delayed"] == held


async def test_new_connections_have_a_rate(instance: LiveInstance, limited: IpLimits) -> None:
    opened = await asyncio.gather(*(connect(instance) for _ in range(200)))
    await until(lambda: limited.client_of(HERE).connection_budget < 1)

    async def is_closed(reader: asyncio.StreamReader) -> bool:
        with suppress(ConnectionError):
            return not await reader.read()
        return True

    ends = [asyncio.ensure_future(is_closed(reader)) for reader, _ in opened]
    await until(lambda: sum(end.done() for end in ends) >= 100)
    for _, writer in opened:
        writer.transport.abort()
    await asyncio.gather(*ends)
    reader, other = await connect(instance, THERE)
    other.write(FREE["health"])
    assert await asyncio.wait_for(responses(reader, 1), 5) == [200]
    other.close()


async def test_many_connections_may_wait_to_be_accepted(instance: LiveInstance) -> None:
    """Linux drops what does not fit, and the client tries again after a second."""
    site: Any = instance.app._site
    (listener,) = site._server.sockets
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    waiting = struct.unpack_from("7I", info, 8)[5]  # of a listener: how many may wait (tcpi_sacked)

    assert waiting == min(BACKLOG, SOMAXCONN)


async def test_open_connections_are_bounded_and_freed(instance: LiveInstance, limited: IpLimits) -> None:
    limited.max_connections = 5
    opened = [await connect(instance) for _ in range(9)]
    await until(lambda: limited.client_of(HERE).open_connections == 5)
    ends = [asyncio.ensure_future(reader.read()) for reader, _ in opened]
    await until(lambda: sum(end.done() for end in ends) == 4)

    reader, other = await connect(instance, THERE)
    other.write(FREE["health"])
    assert await asyncio.wait_for(responses(reader, 1), 5) == [200]
    for _, writer in opened:
        writer.transport.abort()
    await until(lambda: limited.client_of(HERE).open_connections == 0)
    for end in ends:
        end.cancel()
    await asyncio.gather(*ends, return_exceptions=True)
    other.close()


async def test_input_waiting_to_be_parsed_is_bounded(instance: LiveInstance, limited: IpLimits) -> None:
    limited.client_of(HERE).request_budget = -40
    _, writer = await connect(instance)
    body = (
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 9_000_000
    )
    writer.write(body)
    await until(lambda: limited.client_of(HERE).buffered_bytes > 0)

    assert limited.client_of(HERE).buffered_bytes <= ip_limits.MAX_BUFFERED_BYTES
    writer.transport.abort()
    await until(lambda: limited.client_of(HERE).buffered_bytes == 0)


@pytest.fixture
def brief_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance waits only briefly for the rest of a body."""
    monkeypatch.setattr(app, "LINGERING_TIME_S", 0.3)


@pytest.mark.usefixtures("brief_lingering")
@pytest.mark.parametrize(
    "head",
    [
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n",  # too large
        b"POST /api/v1/rooms HTTP/1.1\r\nHost: x\r\n",  # not logged in
        b"POST /nowhere HTTP/1.1\r\nHost: x\r\n",
        b"GET /health/live HTTP/1.1\r\nHost: x\r\n",  # which reads no body
        b"POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nHost: x\r\n",
    ],
)
async def test_bodies_of_finished_requests_are_read_within_a_bound(
    instance: LiveInstance, limited: IpLimits, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    """8 GB of them in 17 s kept the event loop busy: 0.35 s for what takes 5 ms."""
    monkeypatch.setattr(ip_limits, "DISCARD_RATE", Rate(300_000, 1000))
    size = 20_000_000  # more than the buffers of the two sockets
    given = head + b"Content-Length: %d\r\n\r\n" % size
    reader, writer = await connect(instance)

    writer.write(given + bytes(size))
    assert (await responses(reader, 1))[0] < 500
    with suppress(ConnectionError):
        async with asyncio.timeout(5):
            await writer.drain()
            await reader.read()

    assert writer.transport.is_closing() or reader.at_eof()
    assert limited.client_of(HERE).discard_budget_bytes > -300_000  # at most one more read
    _, other = await connect(instance, THERE)
    other.close()


async def test_a_client_that_sends_first_gets_its_response(instance: LiveInstance, limited: IpLimits) -> None:
    size = 4_000_000
    limited.client_of(HERE).request_budget = 1
    reader, writer = await connect(instance)
    writer.write(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
    async with asyncio.timeout(5):
        await writer.drain()

    assert await asyncio.wait_for(responses(reader, 1), 5) == [404]
    writer.close()


async def test_connections_accepted_in_one_turn_are_counted_separately(
    instance: LiveInstance, limited: IpLimits
) -> None:
    limited.max_connections = 5
    refused = metrics.labelled["connections_refused"]["open"]

    opened = [socket.create_connection(("127.0.0.1", instance.app.port)) for _ in range(9)]
    await until(lambda: metrics.labelled["connections_refused"]["open"] == refused + 4)

    assert limited.client_of(HERE).open_connections == 5
    for client in opened:
        client.close()
    await until(lambda: limited.client_of(HERE).open_connections == 0)


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_burst_is_spread_so_that_others_are_served_in_between(
    instance: LiveInstance, limited: IpLimits, monkeypatch: pytest.MonkeyPatch, proxied: bool
) -> None:
    monkeypatch.setattr(ip_limits, "REQUEST_RATE", Rate(1000, 1000))
    if proxied:
        limited.trusted_proxies = (ip_network("127.0.0.1/32"),)
    given = FREE["unknown route"].replace(b"Host: x", b"Host: x\r\nX-Forwarded-For: 192.0.2.7")
    burst = [await connect(instance) for _ in range(25)]
    began = time.monotonic()
    for _, writer in burst:
        writer.write(given * 4)
    ends = [asyncio.ensure_future(responses(reader, 4)) for reader, _ in burst]

    reader, other = await connect(instance, THERE)
    other.write(FREE["health"])
    assert await asyncio.wait_for(responses(reader, 1), 5) == [200]
    assert sum(end.done() for end in ends) < 20
    found = await asyncio.wait_for(asyncio.gather(*ends), 10)

    assert found == [[404] * 4] * 25
    parsed_at_once = 1 if proxied else 4  # all requests of a connection, unless it is a proxy's
    slices = 100 / ip_limits.MAX_SLICE_REQUESTS / parsed_at_once
    assert time.monotonic() - began > (slices - 1) * ip_limits.SLICE_S
    for _, writer in [*burst, (reader, other)]:
        writer.close()


async def test_more_connections_than_fit_in_a_turn_are_all_accepted(
    instance: LiveInstance, limited: IpLimits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "MAX_ACCEPTED_PER_TURN", 2)
    monkeypatch.setattr(listening, "MAX_REFUSED_PER_TURN", 2)
    monkeypatch.setattr(ip_limits, "CONNECTION_RATE", Rate(10, 0.001))
    limited._clients.clear()
    refused = metrics.labelled["connections_refused"]["rate"]
    opened = [await connect(instance) for _ in range(30)]
    for _, writer in opened:
        writer.write(FREE["health"])
    ends = await asyncio.gather(*(responses(reader, 1) for reader, _ in opened), return_exceptions=True)

    assert [end for end in ends if end == [200]] == [[200]] * 10
    assert metrics.labelled["connections_refused"]["rate"] == refused + 20
    for _, writer in opened:
        writer.transport.abort()


async def test_without_a_free_descriptor_connections_wait(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "ACCEPT_RETRY_S", 0.05)
    paused = metrics.labelled["connections_refused"]["system"]
    client = socket.create_connection(("127.0.0.1", instance.app.port))
    client.sendall(FREE["health"])
    client.setblocking(False)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    with socket.socket() as lowest:  # the next one would have this number, or a higher one
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest.fileno(), hard))
    try:
        await until(lambda: metrics.labelled["connections_refused"]["system"] > paused)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1000), 5)

    assert found.startswith(b"HTTP/1.1 200 ")
    client.close()


async def test_clients_behind_a_trusted_proxy_are_limited(instance: LiveInstance, limited: IpLimits) -> None:
    limited.trusted_proxies = (ip_network("127.0.0.1/32"),)
    statuses = []
    async with aiohttp.ClientSession() as session:
        for _ in range(30):
            headers = {"X-Forwarded-For": "192.0.2.7"}
            async with session.get(f"{instance.url}/health/live", headers=headers) as response:
                statuses.append(response.status)
                retry = response.headers.get("Retry-After")
        async with session.get(
            f"{instance.url}/health/live", headers={"X-Forwarded-For": "192.0.2.8"}
        ) as other:
            assert other.status == 200

    assert statuses[:20] == [200] * 20
    assert 429 in statuses
    assert retry is None or int(retry) >= 1


def test_ip_addresses_without_a_connection_are_removed() -> None:
    limits = IpLimits()
    for number in range(200_000):
        limits.client_of(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")

    assert len(limits) <= 2 * ip_limits.SWEEP_MIN_IPS


def test_an_ipv6_network_is_one_ip_address() -> None:
    limits = IpLimits()

    assert limits.client_of("2001:db8::1") is limits.client_of("2001:db8::2")
    assert limits.client_of("::ffff:192.0.2.1") is limits.client_of("192.0.2.1")
