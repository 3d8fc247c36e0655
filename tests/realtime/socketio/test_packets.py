"""Socket.IO 5 over the transport: accepted and refused packets, and their order."""

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest

from hubbub.core import metrics
from hubbub.realtime.engine import ProtocolError, Session
from hubbub.realtime.socketio import packets
from hubbub.realtime.socketio.namespace import NamespaceClient
from tests.conformance.server import Running
from tests.realtime.conftest import PollingClient, StartServer, WebSocketClient
from tests.support.waiting import until


@pytest.fixture
async def client(server) -> WebSocketClient:
    made = await WebSocketClient(server.port).handshake("/socket.io/")
    await made.receive()
    return made


async def joined(client: WebSocketClient) -> WebSocketClient:
    client.send_text("40")
    assert (await client.receive()).startswith('40{"sid":"')
    assert await client.receive() == '42["auth",{}]'
    return client


@pytest.mark.parametrize(
    ("prefix", "payload"), [("", ""), ("", '{"a":1}'), ("/custom,", ""), ("/custom,", '{"a":[1]}')]
)
async def test_connect_is_acknowledged_before_the_first_event(
    client: WebSocketClient, prefix: str, payload: str
) -> None:
    """The stock server sends what a connect handler emits before its CONNECT."""
    client.send_text(f"40{prefix}{payload}")

    assert (await client.receive()).startswith(f'40{prefix}{{"sid":"')
    assert await client.receive() == f'42{prefix}["auth",{payload or "{}"}]'


async def test_an_unknown_namespace_is_refused(client: WebSocketClient) -> None:
    """The stock server sends `Unable to connect`, as a bare string."""
    client.send_text("40/random,")

    assert await client.receive() == '44/random,{"message":"Invalid namespace"}'
    await joined(client)


@pytest.mark.parametrize(
    "packet",
    [
        "4", "4abc", "42{}", '42abc["message"]', "42[]", "42[5]", '42["x"', "43[]", "431{}", "44{}", "48",
        "451-",
        '4511-["message"]', "450", '42/random,["message"]', "40", "41{}", '42["connect"]', '42["disconnect"]',
        "42" + "[" * 200 + "]" * 200, '42["message",NaN]', '40/custom,"text"', "401{}",
    ],
)  # fmt: skip
async def test_a_malformed_packet_ends_the_connection(server, client: WebSocketClient, packet: str) -> None:
    """The stock server logs a traceback and keeps it, or runs one of its handlers for the client."""
    await joined(client)
    client.send_text(packet)

    assert await client.receive_until_close() == []
    await until(lambda: not server.sio.eio.sockets)


async def test_an_event_before_connect_ends_the_connection(client: WebSocketClient) -> None:
    """The stock server keeps the connection."""
    client.send_text('42["message","x"]')

    assert await client.receive_until_close() == []


async def test_a_client_without_a_namespace_is_disconnected(start: StartServer) -> None:
    """The stock server keeps such a session for ever."""
    server = await start(connect_timeout_ms=60, ping_interval_ms=25000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    polling = await PollingClient(server.port, "/socket.io/").handshake()

    assert len(await client.receive_until_close()) == 1
    await until(lambda: not server.sio.eio.sockets)
    assert polling.sid


async def test_a_namespace_needs_no_comma_at_the_end(client: WebSocketClient) -> None:
    client.send_text("40/random")
    assert await client.receive() == '44/random,{"message":"Invalid namespace"}'
    client.send_text("40/custom")
    assert (await client.receive()).startswith('40/custom,{"sid"')
    assert await client.receive() == '42/custom,["auth",{}]'
    client.send_text("41/custom")
    client.send_text("40/custom?token=1")
    assert (await client.receive()).startswith('40/custom,{"sid"')


async def test_a_client_without_namespaces_is_still_pinged(start: StartServer) -> None:
    """It may connect to another one within the time limit of a new client."""
    server = await start(ping_interval_ms=100, ping_timeout_ms=5000, connect_timeout_ms=3000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.read_frame()
    await joined(client)
    client.send_text("41")
    for _ in range(3):
        assert await client.read_frame() == (0x81, b"2")
        client.send_text("3")

    await joined(client)
    client.send_text("41")
    assert await client.receive_until_close() == []


async def test_binary_acks_are_received(client: WebSocketClient) -> None:
    await joined(client)
    client.send_text(
        '452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    )
    client.send(client.frame(b"\x01", 0x82) + client.frame(b"\x02", 0x82))

    assert await client.receive() == '462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]'
    assert [await client.receive(), await client.receive()] == [b"\x01", b"\x02"]


async def test_events_and_acks_may_contain_binary(client: WebSocketClient) -> None:
    await joined(client)
    client.send_text('452-["message",{"_placeholder":true,"num":1},[{"_placeholder":true,"num":0}]]')
    client.send(client.frame(b"\x01", 0x82) + client.frame(b"\x02", 0x82))
    client.send_text('42456["message-with-ack",1,"2",{"3":[true]}]')

    assert (
        await client.receive()
        == '452-["message-back",{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]]'
    )
    assert [await client.receive(), await client.receive()] == [b"\x02", b"\x01"]
    assert await client.receive() == '43456[1,"2",{"3":[true]}]'


@pytest.mark.parametrize(
    "second",
    [
        WebSocketClient.frame(b"42[]"),
        WebSocketClient.frame(b"", 0x82, length=1_000_001),
        WebSocketClient.frame(b"x" * 999_990, 0x82),
    ],
    ids=["a text", "too long", "too long together"],
)
async def test_an_impossible_attachment_ends_the_connection(client: WebSocketClient, second: bytes) -> None:
    """The stock server adds a text as an attachment, and bounds neither their number nor their bytes."""
    await joined(client)
    client.send_text('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    client.send(second)
    client.send(client.frame(b"x" * 100, 0x82))

    assert await client.receive_until_close() == []


async def test_a_placeholder_without_an_attachment_ends_the_connection(client: WebSocketClient) -> None:
    """The stock server keeps the connection."""
    await joined(client)
    client.send_text('451-["message",{"_placeholder":true,"num":1}]')
    client.send(client.frame(b"x", 0x82))

    assert await client.receive_until_close() == []


async def test_missing_attachments_end_the_connection(server, client: WebSocketClient) -> None:
    """The stock server waits for ever, and treats later packets as the rest of that packet."""
    server.sio.reader.attachments_timeout = 0.1
    await joined(client)
    client.send_text('452-["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
    client.send(client.frame(b"x", 0x82))

    assert await client.receive_until_close() == []
    await until(lambda: not server.sio.eio.sockets)


async def test_unrequested_acks_are_ignored(client: WebSocketClient) -> None:
    """With any ids."""
    await joined(client)
    for packet in ("430[]", "431[]", '4399999["x"]'):
        client.send_text(packet)
    client.send_text('42["message","here"]')

    assert await client.receive() == '42["message-back","here"]'


async def test_events_are_handled_in_order(server, client: WebSocketClient) -> None:
    """The stock server creates a task for each: a quick one overtakes a slow one."""

    async def slow(sid: str, number: int) -> None:
        await asyncio.sleep((600 - number) % 7 / 2000)
        await server.sio.emit("done", number, to=sid)

    server.sio.on("slow", slow)
    await joined(client)
    for number in range(300):
        client.send_text(f'42["slow",{number}]')

    assert [await client.receive() for _ in range(300)] == [f'42["done",{n}]' for n in range(300)]


async def test_a_client_that_sends_more_than_is_handled_is_slowed_down(
    server, client: WebSocketClient
) -> None:
    """The stock server has a task for each waiting event, without a limit."""
    goes = asyncio.Event()

    async def wait(*_: object) -> None:
        await goes.wait()

    server.sio.on("wait", wait)
    await joined(client)
    client.send(client.frame(b'42["wait"]') * 60_000)  # a megabyte: several reads
    (session,) = server.sio.eio.sockets.values()
    await until(lambda: session.paused)

    (link,) = server.sio.manager._by_sid.values()
    assert len(link.event_queue._steps) < 30_000
    goes.set()
    client.send_text('421["message-with-ack",2]')
    assert await client.receive() == "431[2]"


async def test_a_namespace_can_be_left_and_joined_again(client: WebSocketClient) -> None:
    await joined(client)
    client.send_text("40/custom,")
    await client.receive()
    await client.receive()
    client.send_text("41/custom,")
    client.send_text('42["message","here"]')

    assert await client.receive() == '42["message-back","here"]'
    client.send_text("40/custom,")
    assert (await client.receive()).startswith('40/custom,{"sid"')


async def test_long_polling_carries_the_same_packets(server) -> None:
    client = await PollingClient(server.port, "/socket.io/").handshake()
    await client.post_packets("40")
    received = await client.receive_packets(2)
    assert received[0].startswith('40{"sid"')
    assert received[1] == '42["auth",{}]'
    await client.post_packets(
        '451-["message",{"_placeholder":true,"num":0}]', "bAQI=", '421["message-with-ack",5]'
    )

    assert await client.receive_packets(3) == [
        '451-["message-back",{"_placeholder":true,"num":0}]',
        "bAQI=",
        "431[5]",
    ]
    assert await client.post_packets("4abc") == (400, b'{"code":3,"message":"Bad request"}')


async def test_invalid_packets_write_few_short_lines(server, caplog: pytest.LogCaptureFixture) -> None:
    """The stock server logs a traceback for each."""
    caplog.set_level("INFO")
    counted = metrics.counters["malformed_packets"]
    for number in range(60):
        client = await WebSocketClient(server.port).handshake("/socket.io/")
        client.send_text("4" + "abc[{" * 10_000 if number % 2 else '42["message"]')
        await client.receive_until_close()
        polling = await PollingClient(server.port, "/socket.io/").handshake()
        assert (await polling.request("POST", b"\xff" * 1000))[0] == 400

    assert metrics.counters["malformed_packets"] == counted + 120
    assert 1 <= len(caplog.records) <= 30
    for record in caplog.records:
        assert len(record.getMessage()) + len(record.__dict__["why"]) < 200
        assert record.exc_info is None


@pytest.mark.parametrize("kind", ["hubbub", "plain"])
async def test_the_public_interface_of_python_socketio_works(kind: str) -> None:  # noqa: PLR0915 - one story
    """Rooms, calls, sessions, disconnect: as its documentation has them."""
    import socketio
    from aiohttp import web

    from hubbub.realtime.engine import Engine
    from hubbub.realtime.socketio.server import SocketIOServer

    class Plain(socketio.AsyncServer):
        def _engineio_server_class(self):
            return Engine

    sio = SocketIOServer() if kind == "hubbub" else Plain(async_mode="aiohttp")
    gone = asyncio.Event()

    @sio.event
    async def connect(sid, environ):
        assert environ["aiohttp.request"].path == "/socket.io/"
        await sio.save_session(sid, {"name": "ada"})
        await sio.enter_room(sid, "den")

    @sio.event
    async def who(sid, data):
        async with sio.session(sid) as session:
            return session["name"], data, sio.rooms(sid), sio.transport(sid)

    @sio.event
    async def disconnect(sid, reason):
        gone.set()

    app = web.Application()
    sio.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
    client = socketio.AsyncClient(reconnection=False)
    received: asyncio.Queue[object] = asyncio.Queue()
    client.on("news", received.put)
    client.on("ask", lambda data: (data, b"\x00"))
    await client.connect(f"http://localhost:{port}", wait_timeout=5)

    name, data, rooms, transport = await client.call("who", {"x": b"\x01"}, timeout=5)
    assert (name, data, transport) == ("ada", {"x": b"\x01"}, "websocket")
    assert "den" in rooms
    await sio.emit("news", b"\x02", room="den")
    assert await asyncio.wait_for(received.get(), 5) == b"\x02"
    sid = client.get_sid()
    assert await sio.call("ask", 5, to=sid, timeout=5) == (5, b"\x00")
    await sio.leave_room(sid, "den")
    await sio.disconnect(sid)
    await asyncio.wait_for(gone.wait(), 5)
    await client.wait()
    await runner.cleanup()
    assert not sio.eio.sockets


class Recorder:
    """A namespace that keeps its events."""

    max_event_bytes = 400
    queues_connects = False

    def __init__(self) -> None:
        self.events: list[Any] = []

    def run_immediate(self, *_: object) -> bool:
        return False

    def on_event(self, _: str, event: packets.ClientEvent) -> None:
        self.events.append((event.id, event.name, event.text, event.size, event.attachments, event.too_large))


def mutated_packet(dice: random.Random) -> str:
    text = dice.choice(
        ['2/x,17["name",{"a":[1,"é"]}]', '2/x,["name"]', '2/x,3["na\\u006de","' + "y" * 390 + '"]']
    )
    for _ in range(dice.randrange(4)):
        place = dice.randrange(min(len(text), 22))
        inserted = dice.choice(
            ["", '"', "\\", "[", ",", "/", "?", "x", "1", "-", "²", "٣", " ", "9" * 14, "0"]
        )
        text = text[:place] + inserted + text[place + dice.randrange(3) :]
    return text


async def test_plain_events_are_read_as_by_the_ordinary_path(server: Running) -> None:
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    (session,) = server.sio.eio.sockets.values()
    recorder, reader, dice, plain = Recorder(), server.sio.reader, random.Random(7), 0
    for namespace in ("/x", "/", "/y"):
        added = NamespaceClient(server.sio, session, "sid", namespace, recorder)  # type: ignore[arg-type]
        added.process_pending()
        session.namespace_clients[namespace] = added

    def outcome(read: Callable[[Session, str], object], text: str) -> tuple[Any, Any]:
        recorder.events.clear()
        try:
            result = read(session, text)
        except ProtocolError:
            result = ProtocolError
        session.partial_packet = None
        return result, list(recorder.events)

    for _ in range(20_000):
        text = mutated_packet(dice)
        result, events = outcome(reader._read_plain_event, text)
        if result is False:
            assert not events
            continue
        plain += 1
        assert (None if result is True else result, events) == outcome(reader._on_text, text), text
    assert plain > 1000
    session.namespace_clients.clear()
