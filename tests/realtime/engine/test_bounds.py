"""The bounds of one connection: all its input is charged, and its unread output is bounded."""

import asyncio
import socket
import time

import pytest

from hubbub.core import metrics
from hubbub.ratelimit.rate import Rate
from hubbub.realtime.engine import Session
from hubbub.realtime.engine.bounds import Bounds, InputLimiter
from tests.conformance.server import Running
from tests.realtime.conftest import PollingClient, StartServer, WebSocketClient
from tests.support.waiting import until

KIB = 1024
EVENT = b'42["message",1]'

# Input that an unauthenticated client may repeat: a frame of each kind, and packets of each kind.
EARLY = {
    "ping": WebSocketClient.frame(b"", 0x89),
    "ping with a payload": WebSocketClient.frame(b"x" * 125, 0x89),
    "pong": WebSocketClient.frame(b"", 0x8A),
    "heartbeat": WebSocketClient.frame(b"3"),
    "unknown namespace": WebSocketClient.frame(b"40/x,"),
    "disconnect": WebSocketClient.frame(b"41/x,"),
}


async def open_ws(server: Running, *, accepted: bool = False) -> WebSocketClient:
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    if accepted:
        client.send_text("40")
        await client.receive()
        await client.receive()
    return client


async def close_code(client: WebSocketClient) -> int:
    try:
        while True:
            await client.receive()
    except EOFError as ended:
        return int(ended.args[0])
    except ConnectionError:
        return 0


@pytest.fixture
async def limited(start: StartServer) -> Running:
    """A server with the product's limits."""
    server: Running = await start(limits="on", ping_interval_ms=25_000, connect_timeout_ms=10_000)
    return server


@pytest.mark.parametrize("kind", EARLY)
async def test_a_connection_that_is_not_accepted_sends_20_packets(limited: Running, kind: str) -> None:
    client = await open_ws(limited)
    client.send(EARLY[kind] * 21)

    assert await close_code(client) == 1008
    await until(lambda: not limited.sio.eio.sockets)


@pytest.mark.parametrize("kind", EARLY)
async def test_20_packets_do_not_close_an_unaccepted_connection(limited: Running, kind: str) -> None:
    client = await open_ws(limited)
    client.send(EARLY[kind] * (4 if "namespace" in kind else 19))
    client.send_text("40")

    while not (received := await client.read_frame())[1].startswith(b'40{"sid"'):
        assert received[0] != 0x88


@pytest.mark.parametrize("first", [0x81, 0x01, 0x82])
async def test_an_unaccepted_connection_sends_64_kib(limited: Running, first: int) -> None:
    client = await open_ws(limited)
    client.send(WebSocketClient.frame(b"4" * 65 * KIB, first))

    assert await close_code(client) == 1008


async def test_an_endless_continuation_is_charged(limited: Running) -> None:
    client = await open_ws(limited)
    client.send(WebSocketClient.frame(b"", 0x01) + WebSocketClient.frame(b"", 0x00) * 30)

    assert await close_code(client) == 1008


@pytest.mark.parametrize(
    "body",
    ["\x1e".join(["3"] * 21), "\x1e".join(["40/x,"] * 21), "4" * 65 * KIB],
    ids=["heartbeats", "refused", "long"],
)
async def test_long_polling_has_the_same_limits(limited: Running, body: str) -> None:
    client = await PollingClient(limited.port, "/socket.io/").handshake()

    assert (await client.request("POST", body.encode()))[0] in {400, 413}
    await until(lambda: not limited.sio.eio.sockets)


async def test_a_poll_body_is_refused_by_its_length_before_it_comes(limited: Running) -> None:
    client = await PollingClient(limited.port, "/socket.io/").handshake()
    head = f"POST /socket.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
    wire = await WebSocketClient(limited.port).connect()
    wire.send(f"{head}Content-Length: 70000\r\n\r\n".encode())

    assert (await wire.read_response())[0] == 413


async def test_pongs_to_pings_of_the_server_do_not_count(start: StartServer) -> None:
    server = await start(limits="on", ping_interval_ms=20, ping_timeout_ms=2000, connect_timeout_ms=10_000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    for _ in range(30):
        assert (await client.read_frame())[1] == b"2"
        client.send_text("3")
    client.send_text("40")

    while not (await client.read_frame())[1].startswith(b'40{"sid"'):
        pass


async def test_an_accepted_connection_sends_200_at_once_and_then_waits(limited: Running) -> None:
    client = await open_ws(limited, accepted=True)
    waits = metrics.counters["input_delays"]
    began = time.monotonic()
    client.send(WebSocketClient.frame(EVENT) * 260)
    answers = [await client.receive() for _ in range(260)]

    assert set(answers) == {'42["message-back",1]'}
    assert time.monotonic() - began > 0.4
    assert metrics.counters["input_delays"] > waits


async def test_an_accepted_connection_sends_2_mib_at_once_and_then_waits(limited: Running) -> None:
    client = await open_ws(limited, accepted=True)
    began = time.monotonic()
    text = b'42["message","' + b"x" * 300 * KIB + b'"]'
    client.send(WebSocketClient.frame(text) * 8)
    for _ in range(8):
        await client.receive()
    client.send_text('421["message-with-ack"]')
    assert await client.receive() == "431[]"

    assert time.monotonic() - began > 0.4


async def test_lifted_rates_do_not_wait(start: StartServer) -> None:
    server = await start()
    client = await open_ws(server, accepted=True)
    client.send(WebSocketClient.frame(EVENT) * 2000)

    assert len([await client.receive() for _ in range(2000)]) == 2000


@pytest.mark.parametrize(
    "frame",
    [WebSocketClient.frame(b"", 0x8A), WebSocketClient.frame(EVENT), WebSocketClient.frame(b"x" * 100, 0x89)],
    ids=["pong", "event", "ping"],
)
async def test_a_bucket_that_stays_empty_closes_the_connection(start: StartServer, frame: bytes) -> None:
    server = await start(limits="on", ping_interval_ms=25_000)
    server.sio.eio.bounds = Bounds(packet_rate=Rate(20, 20), flooding_s=0.4)
    client = await open_ws(server, accepted=True)
    client.send(frame * 2000)

    assert await close_code(client) in {1000, 1008}
    await until(lambda: not server.sio.eio.sockets)


async def test_packets_over_the_limit_wait_unread(limited: Running) -> None:
    """What one read brought is kept, no more: the kernel holds the sender up."""
    client = await open_ws(limited, accepted=True)
    client.writer.transport.set_write_buffer_limits(high=0)
    client.send(WebSocketClient.frame(EVENT) * 100_000)
    (socket_,) = limited.sio.eio.websockets
    await until(lambda: socket_._backlog is not None)

    assert len(socket_._backlog or b"") <= 512 * KIB
    assert not socket_._transport.is_reading()


async def test_connections_take_turns(start: StartServer) -> None:
    """At most 256 packets of one connection are handled before another has its turn."""
    server = await start()
    greedy, other = await open_ws(server, accepted=True), await open_ws(server, accepted=True)
    handled: list[bool] = []
    (first, _) = list(server.sio.eio.sockets.values())
    deliver = server.sio.on_message

    def note(session: Session, data: str | bytes) -> None:
        handled.append(session is first)
        deliver(session, data)

    server.sio.on_message = note
    greedy.send(WebSocketClient.frame(EVENT) * 5000)
    other.send(WebSocketClient.frame(EVENT))
    await other.receive()

    assert handled.index(False) <= 3 * 256


async def test_a_client_that_reads_nothing_gets_one_pong(start: StartServer) -> None:
    server = await start()
    client = await open_ws(server, accepted=True)
    (ws,) = server.sio.eio.websockets
    ws.stalled = True  # as the transport reports when the client does not read
    client.send(b"".join(WebSocketClient.frame(b"%d" % number, 0x89) for number in range(1000)))
    await until(lambda: ws._pending_pong is not None and ws._pending_pong.endswith(b"999"))
    ws.resume_writing()

    assert await client.read_frame() == (0x8A, b"999")


async def test_output_before_acceptance_is_bounded(start: StartServer) -> None:
    """Refusals and everything else that is written count; 64 KiB may wait."""
    server = await start(ping_interval_ms=25_000, connect_timeout_ms=10_000)
    client = WebSocketClient(server.port)
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    client.reader, client.writer = await asyncio.open_connection(sock=raw, limit=1)
    client.send(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    await until(lambda: len(server.sio.eio.sockets) == 1)
    (session,) = server.sio.eio.sockets.values()
    exceeded = metrics.counters["output_limit_closures"]
    session.transport._transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDBUF, 4096
    )
    for _ in range(200):
        await server.sio.eio.send(session.sid, "x" * 4096)
        await asyncio.sleep(0)

    assert metrics.counters["output_limit_closures"] == exceeded + 1
    assert session.closed
    client.writer.transport.abort()


async def test_input_during_a_close_is_bounded(start: StartServer) -> None:
    server = await start()
    client = await open_ws(server, accepted=True)
    (ws,) = server.sio.eio.websockets
    (session,) = server.sio.eio.sockets.values()
    session.close()
    client.send(WebSocketClient.frame(b"x" * 1000) * 1000)
    await until(lambda: ws._closing_bytes > 64 * KIB)

    assert not ws._transport.is_reading()


def test_a_bucket_refills_up_to_its_burst() -> None:
    intake = InputLimiter(Bounds(packet_rate=Rate(10, 10), byte_rate=None), now=100.0)
    intake.accept(100.0)

    assert intake.charge_bytes(0, 100.0) == 10
    intake.charge_packets(10)
    assert intake.charge_bytes(0, 100.5) == 5
    assert intake.charge_bytes(0, 900.0) == 10


def test_a_client_just_over_its_rate_waits_and_never_counts_as_flooding() -> None:
    """It sends 120 packets a second, reads its acks, and is held to 100."""
    intake = InputLimiter(Bounds(packet_rate=Rate(200, 100), byte_rate=None), now=0.0)
    intake.accept(0.0)
    now, waits = 0.0, []
    for _ in range(20_000):
        if intake.charge_bytes(10, now) < 1:
            waits.append(intake.wait_seconds(now))
            now += max(waits[-1], 3.0)  # it pauses longer than the bucket needs
        intake.charge_packets(1)
        now += 1 / 120

    assert waits
    assert min(waits) > 0


async def test_handshakes_of_an_ip_address_are_limited(start: StartServer) -> None:
    """On both transports, with the time after which there is one more."""
    server = await start()
    server.sio.eio.ip_limits.handshake_rate = Rate(3, 0.01)
    for _ in range(2):
        await PollingClient(server.port, "/socket.io/").handshake()
    await open_ws(server)
    refused = metrics.labelled["handshakes_refused"]["rate"]
    status, headers, _ = await PollingClient(server.port, "/socket.io/").request(
        "GET", query="EIO=4&transport=polling"
    )

    assert status == 503
    assert 90 <= int(headers["retry-after"]) <= 100
    assert (await WebSocketClient(server.port).handshake("/socket.io/")).status == 503
    assert metrics.labelled["handshakes_refused"]["rate"] == refused + 2
