"""The sessions of one IP address together: their large reads begin one after another, at a rate."""

import asyncio
import time

import pytest

from hubbub.realtime.engine import shares
from hubbub.realtime.engine.shares import BYTES_PER_S, MIN_DELAY_S, PACKETS_PER_S, IpShare, IpShares
from tests.conformance.server import Running
from tests.realtime.conftest import PollingClient, StartServer, WebSocketClient
from tests.support.waiting import until

KIB = 1024
BODY = "x" * 50 * KIB


@pytest.fixture
async def limited(start: StartServer) -> Running:
    """A server with the product's limits."""
    server: Running = await start(limits="on", ping_interval_ms=25_000, connect_timeout_ms=10_000)
    return server


async def accepted(server: Running) -> WebSocketClient:
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    client.send_text("40")
    for _ in range(3):
        await client.receive()
    return client


def test_reads_begin_one_after_another() -> None:
    share = IpShare("192.0.2.1")
    second = 1000.0
    waits = [share.reserve(64 * KIB, second) for _ in range(4)]

    each = 64 * KIB / BYTES_PER_S
    assert waits == pytest.approx([0, each, 2 * each, 3 * each])
    assert share.reserve(0, second + 10) == 0


def test_a_read_over_its_reservation_delays_the_next_one() -> None:
    share = IpShare("192.0.2.1")
    share.reserve(0, 5.0)
    share.charge(BYTES_PER_S // 10, PACKETS_PER_S // 10)

    assert share.reserve(0, 5.0) == pytest.approx(0.2)
    assert share.reserve(0, 5.2 - MIN_DELAY_S / 2) == 0


def test_an_ip_address_without_sessions_is_removed() -> None:
    known = IpShares()
    one, other = known.add_session("a"), known.add_session("a")
    third = known.add_session("b")
    assert (one is other, known.session_count("a"), known.session_count("b"), known.session_count("c")) == (
        True,
        2,
        1,
        0,
    )

    for share in (one, other, third):
        known.remove_session(share)

    assert len(known) == 0


async def test_bursts_of_many_connections_are_spread_and_acknowledged_in_order(
    limited: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "BYTES_PER_S", 2 << 20)
    clients = [await accepted(limited) for _ in range(4)]
    began = time.monotonic()
    for client in clients:
        for number in range(4):
            client.send_text(f'42{number}["message-with-ack","{BODY}"]')
    answers = await asyncio.gather(*(_acks(client, 4) for client in clients))

    assert answers == [["430", "431", "432", "433"]] * 4
    assert time.monotonic() - began > 16 * len(BODY) / (2 << 20) * 0.8


async def _acks(client: WebSocketClient, count: int) -> list[str]:
    return [(await client.receive()).partition("[")[0] for _ in range(count)]


async def test_small_events_do_not_wait_for_large_ones(
    limited: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "BYTES_PER_S", 100 * KIB)
    greedy, other = await accepted(limited), await accepted(limited)
    for number in range(4):
        greedy.send_text(f'42{number}["message-with-ack","{BODY}"]')
    await greedy.receive()
    other.send_text('427["message-with-ack","hi"]')

    assert await asyncio.wait_for(other.receive(), 0.4) == '437["hi"]'


async def test_a_connection_that_waits_for_its_turn_can_be_closed(
    limited: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "BYTES_PER_S", 100 * KIB)
    greedy, other = await accepted(limited), await accepted(limited)
    for client in (greedy, other):
        client.send_text(f'421["message-with-ack","{BODY}"]')
    await greedy.receive()
    other.writer.transport.abort()

    await until(lambda: len(limited.sio.eio.sockets) == 1)


async def test_bodies_of_long_polling_wait_too(limited: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "BYTES_PER_S", 200 * KIB)
    client = await PollingClient(limited.port, "/socket.io/").handshake()
    await client.post_packets("40")
    await client.receive_packets(2)
    began = time.monotonic()
    for _ in range(3):
        assert (await client.post_packets(f'42["message","{BODY}"]'))[0] == 200

    assert time.monotonic() - began > 2 * len(BODY) / (200 * KIB) * 0.8
