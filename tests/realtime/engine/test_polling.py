"""Long-polling: no valid packet is lost, and no invalid one gets `ok`."""

import asyncio
import base64
from collections.abc import Callable

import pytest

from hubbub.realtime.engine.session import Session
from hubbub.realtime.engine.transport import PING_TIMEOUT, TRANSPORT_CLOSE
from tests.realtime.conftest import PollingClient, StartServer, TcpClient, WebSocketClient
from tests.support.waiting import until


@pytest.fixture
async def client(server) -> PollingClient:
    return await PollingClient(server.port, "/engine.io/").handshake()


async def test_messages_are_echoed(client: PollingClient) -> None:
    """The stock server responds `OK`."""
    assert await client.post_packets("4hello", "4wörld") == (200, b"ok")

    assert await client.receive_packets(2) == ["4hello", "4wörld"]


async def test_a_body_in_any_segments_is_read_completely(server, client: PollingClient) -> None:
    """The stock server reads the available bytes, and responds `ok` for what it dropped."""
    packets = [f"4{n}:" + "x" * 997 for n in range(60)]
    body = "\x1e".join(packets).encode()
    wire = await TcpClient(server.port).connect()
    wire.send(
        f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n".encode()
    )
    for start in range(0, len(body), 7001):
        wire.send(body[start : start + 7001])
        await wire.writer.drain()
        await asyncio.sleep(0.002)

    assert (await wire.read_response())[::2] == (200, b"ok")
    assert await client.receive_packets(60) == packets


async def test_a_chunked_body_is_read_completely(server, client: PollingClient) -> None:
    """The stock server acknowledges it, and passes on the first chunk."""
    body = "\x1e".join(f"4{n}" for n in range(300)).encode()
    wire = await TcpClient(server.port).connect()
    wire.send(
        f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n\r\n".encode()
    )
    for start in range(0, len(body), 100):
        part = body[start : start + 100]
        wire.send(b"%x\r\n%b\r\n" % (len(part), part))
    wire.send(b"0\r\n\r\n")

    assert (await wire.read_response())[::2] == (200, b"ok")
    assert await client.receive_packets(300) == [f"4{n}" for n in range(300)]


async def test_a_payload_may_have_any_number_of_packets(client: PollingClient) -> None:
    """The stock server responds `OK` to more than 16, and drops them."""
    packets = [f"4{n}" for n in range(3000)]

    assert await client.post_packets(*packets) == (200, b"ok")
    assert await client.receive_packets(3000) == packets


async def test_binary_is_sent_and_received(client: PollingClient) -> None:
    packet = "b" + base64.b64encode(bytes(range(256))).decode()

    assert await client.post_packets(packet) == (200, b"ok")
    assert await client.receive_packets(1) == [packet]


@pytest.mark.parametrize(
    "body", [b"abc", b"", b"4ok\x1e", b"4\xff\xfe", b"b!!!!", b"9", b"0", b"2", b"5", b"6"]
)
async def test_an_invalid_body_is_refused_and_ends_the_session(
    server, client: PollingClient, body: bytes
) -> None:
    """The stock server responds `ok`, or keeps the session."""
    status, _, _ = await client.request("POST", body)

    assert status == 400
    assert not server.engine.sockets
    assert (await client.poll())[0] == 400
    assert (await client.post_packets("4more"))[0] == 400


async def test_a_body_over_the_limit_is_refused_at_once(start: StartServer) -> None:
    """The stock server waits for it."""
    server = await start(max_payload=1000, ping_interval_ms=25000)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    wire = await TcpClient(server.port).connect()
    head = f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"

    wire.send(f"{head}Content-Length: 1001\r\n\r\n".encode())

    assert (await wire.read_response())[0] == 413
    assert await client.post_packets("4" + "x" * 999) == (200, b"ok")


async def test_a_chunked_body_over_the_limit_is_refused(start: StartServer) -> None:
    """The stock server responds 200."""
    server = await start(max_payload=1000, ping_interval_ms=25000)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    wire = await TcpClient(server.port).connect()
    head = f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"

    wire.send(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + b"400\r\n" + b"x" * 0x400 + b"\r\n")

    assert (await wire.read_response())[0] == 413


async def test_a_missing_body_ends_the_session(server, client: PollingClient) -> None:
    """The stock server waits for ever."""
    server.engine.body_timeout = 0.1
    wire = await TcpClient(server.port).connect()
    head = f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
    wire.send(f"{head}Content-Length: 10\r\n\r\n4x".encode())

    assert (await wire.read_response())[0] == 400
    assert not server.engine.sockets


async def posting(server, client: PollingClient, head: str, body: str) -> TcpClient:
    """A POST with a custom header and body."""
    wire = await TcpClient(server.port).connect()
    query = f"EIO=4&transport=polling&sid={client.sid}"
    wire.send(f"POST /engine.io/?{query} HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n{body}".encode())
    return wire


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Length: 10", "4x"),
        ("Transfer-Encoding: chunked", "5\r\n4x"),
        ("Content-Encoding: deflate\r\nContent-Length: 10", ""),
    ],
)
async def test_a_truncated_body_ends_the_session(
    server, client: PollingClient, head: str, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the client's fault: one short line."""
    session = server.engine.sockets[client.sid]
    wire = await posting(server, client, head, body)
    await until(lambda: session.closed or session.transport._payload_resumed is not None)
    wire.writer.transport.abort()

    await until(lambda: not server.engine.sockets)
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize(
    "head", ["Content-Encoding: gzip\r\nContent-Length: 5", "Transfer-Encoding: chunked"]
)
async def test_an_unreadable_body_is_refused(server, client: PollingClient, head: str) -> None:
    wire = await posting(server, client, head, "zz\r\n4")

    assert (await wire.read_response())[0] == 400


async def test_a_client_that_does_not_poll_is_dropped_at_the_bound(server, client: PollingClient) -> None:
    """The stock queue is unbounded."""
    server.engine.max_output_bytes = 100_000
    for _ in range(10):
        await server.engine.send(client.sid, b"x" * 20_000)

    assert not server.engine.sockets
    assert (await client.poll())[0] == 400


async def test_concurrent_polls_are_refused(server, client: PollingClient) -> None:
    """The stock server lets both wait."""
    first = asyncio.create_task(client.poll())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._poll is not None)

    assert (await client.poll())[0] == 400
    assert await first == (200, ["1"])
    assert not server.engine.sockets


async def test_concurrent_posts_are_refused(server, client: PollingClient) -> None:
    """The stock server takes both."""
    wire = await TcpClient(server.port).connect()
    head = f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
    wire.send(f"{head}Content-Length: 10\r\n\r\n4x".encode())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._payload_resumed is not None)

    assert (await client.post_packets("4y"))[0] == 400
    assert not server.engine.sockets


async def test_a_close_packet_ends_the_session_and_its_waiting_poll(server, client: PollingClient) -> None:
    """The stock server leaves the poll open."""
    waiting = asyncio.create_task(client.poll())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._poll is not None)

    assert await client.post_packets("1") == (200, b"ok")
    assert await waiting == (200, ["6"])
    assert (await client.poll())[0] == 400


async def test_an_aborted_poll_ends_the_session(server, client: PollingClient) -> None:
    """Its packets would be missing. The stock server continues without them."""
    wire = await TcpClient(server.port).connect()
    wire.send(
        f"GET /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    )
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._poll is not None)
    wire.writer.transport.abort()

    assert (await client.poll())[0] == 400
    assert not server.engine.sockets


async def test_a_graceful_close_flushes_what_is_queued(server, client: PollingClient) -> None:
    """The stock server forgets the session, and what was queued in it."""
    for number in range(40):
        await server.engine.send(client.sid, f"last word {number}")
    await server.engine.disconnect(client.sid)

    received: list[str] = []
    while "1" not in received:
        received += (await client.poll())[1]
    assert received == [*(f"4last word {number}" for number in range(40)), "1"]
    assert (await client.poll())[0] == 400


ENDS: dict[str, tuple[Callable[[Session], None], str]] = {
    "transport close": (lambda session: session.close(TRANSPORT_CLOSE), "6"),
    "ping timeout": (lambda session: session.close(PING_TIMEOUT, flush=False), "6"),
    "malformed packet": (lambda session: session.fail_protocol("test"), "6"),
    "slow consumer": (lambda session: session.abort(), "6"),
    "refused": (lambda session: session.refuse("test"), "1"),
    "server disconnect": (lambda session: session.close(), "1"),
}


@pytest.mark.parametrize("end", ENDS)
async def test_a_poll_gets_a_close_packet_only_where_reconnecting_cannot_help(
    server, client: PollingClient, end: str
) -> None:
    """After a close packet Python's stock client does not reconnect."""
    close, last = ENDS[end]
    waiting = asyncio.create_task(client.poll())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._poll is not None)

    close(session)

    assert await waiting == (200, [last])
    assert (await client.poll())[0] == 400


async def test_the_next_poll_gets_a_noop_if_none_is_waiting(server, client: PollingClient) -> None:
    server.engine.sockets[client.sid].close(TRANSPORT_CLOSE)

    assert await client.poll() == (200, ["6"])
    assert (await client.poll())[0] == 400


async def test_missing_heartbeats_end_the_session(start: StartServer) -> None:
    server = await start(ping_interval_ms=60, ping_timeout_ms=60)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    for _ in range(3):
        assert await client.poll() == (200, ["2"])
        assert await client.post_packets("3") == (200, b"ok")

    await client.poll()

    await until(lambda: not server.engine.sockets)


async def test_a_client_that_does_not_poll_is_removed_after_interval_and_timeout(start: StartServer) -> None:
    """The stock server still responds."""
    server = await start(ping_interval_ms=300, ping_timeout_ms=200)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    await asyncio.sleep(1.5)

    assert (await client.poll())[0] == 400


async def test_a_session_is_upgraded(server, client: PollingClient) -> None:
    """The probe's noop goes to the poll alone. Queued packets are sent by WebSocket."""
    waiting = asyncio.create_task(client.poll())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._poll is not None)
    socket = await WebSocketClient(server.port).handshake(sid=client.sid)
    socket.send_text("2probe")

    assert await socket.receive() == "3probe"
    assert await waiting == (200, ["6"])
    await server.engine.send(client.sid, "between")
    socket.send_text("5")
    socket.send_text("4now")

    assert [await socket.receive(), await socket.receive()] == ["4between", "4now"]
    assert (await client.poll())[0] == 400
    assert await (await WebSocketClient(server.port).handshake(sid=client.sid)).receive_until_close() == []
    socket.send_text("4still")
    assert await socket.receive() == "4still"


@pytest.mark.parametrize("path", ["/engine.io/", "/socket.io/"])
async def test_an_upgrade_may_arrive_in_one_segment(server, path: str) -> None:
    client = await PollingClient(server.port, path).handshake()
    socket = await WebSocketClient(server.port).handshake(path, sid=client.sid)
    socket.send(WebSocketClient.frame(b"2probe") + WebSocketClient.frame(b"5"))

    assert await socket.receive() == "3probe"
    assert (await client.poll())[0] == 400
    assert (await client.post_packets("4x"))[0] == 400
    assert (
        await (await WebSocketClient(server.port).handshake(path, sid=client.sid)).receive_until_close() == []
    )
    assert len(server.engine.sockets) + len(server.sio.eio.sockets) == 1


@pytest.mark.parametrize("packets", [["4hello"], ["5"], ["2probe", "2probe"], ["2"], ["2probe", "4x"]])
async def test_an_invalid_probe_ends_itself_and_not_the_session(
    server, client: PollingClient, packets: list[str]
) -> None:
    socket = await WebSocketClient(server.port).handshake(sid=client.sid)
    for packet in packets:
        socket.send_text(packet)

    await socket.receive_until_close()

    assert await client.post_packets("4here") == (200, b"ok")
    assert await client.receive_packets(1) == ["4here"]


async def test_an_unfinished_upgrade_is_aborted(start: StartServer) -> None:
    """The stock server waits for ever, and takes a second one beside it."""
    server = await start(upgrade_timeout_ms=60, ping_interval_ms=25000)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    socket = await WebSocketClient(server.port).handshake(sid=client.sid)
    second = await WebSocketClient(server.port).handshake(sid=client.sid)
    assert second.status == 101
    assert await second.receive_until_close() == []

    await socket.receive_until_close()

    assert await client.post_packets("4here") == (200, b"ok")
    assert (await WebSocketClient(server.port).handshake(sid=client.sid)).status == 101


async def test_a_body_that_never_arrives_ends_with_its_session(start: StartServer) -> None:
    """It kept its connection for 15 s, though the session was closed long before."""
    server = await start(ping_interval_ms=100, ping_timeout_ms=100)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    wire = await WebSocketClient(server.port).connect()
    wire.send(
        f"POST /engine.io/?EIO=4&transport=polling&sid={client.sid} HTTP/1.1\r\nHost: x\r\n"
        "Content-Length: 10\r\n\r\n".encode()
    )

    assert (await asyncio.wait_for(wire.read_response(), 5))[0] == 400
    assert not server.engine.sockets


async def test_a_late_body_may_end_at_the_same_moment_as_its_session(
    start: StartServer,
) -> None:
    """The end of the session raised an error, and no timer after it was looked at any more."""
    server = await start(ping_interval_ms=25_000, ping_timeout_ms=20_000)
    client = await PollingClient(server.port, "/engine.io/").handshake()
    wire = await WebSocketClient(server.port).connect()
    query = f"EIO=4&transport=polling&sid={client.sid}"
    wire.send(f"POST /engine.io/?{query} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n".encode())
    session = server.engine.sockets[client.sid]
    await until(lambda: session.transport._body_timeout is not None)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        session.close(TRANSPORT_CLOSE)
        ended.set()

    session.transport._body_timeout.reschedule(loop.time())  # it expires in the next turn of the loop
    loop.call_soon(end)  # and this comes right after, before the request detects it

    await asyncio.wait_for(ended.wait(), 5)
    assert (await asyncio.wait_for(wire.read_response(), 5))[0] == 400
    assert not server.engine.sockets
