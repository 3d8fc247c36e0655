"""Connecting to namespaces: no client waits for another, and each receives only its own events."""

import asyncio
import time

import pytest

from hubbub.realtime.socketio.connect import MAX_REFUSED_CONNECTS
from tests.conformance.server import Running
from tests.realtime.conftest import PollingClient, StartServer, WebSocketClient
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until


@pytest.fixture
async def client(server) -> WebSocketClient:
    made = await WebSocketClient(server.port).handshake("/socket.io/")
    await made.receive()
    return made


class ConnectHandler:
    """A connect handler that waits until the test sets its result."""

    def __init__(self, server: Running, answer: bool) -> None:
        self.mentioned = asyncio.Event()
        self.opened = asyncio.Event()
        self.answer = answer
        server.sio.on("connect", self._connect, namespace="/custom")

    async def _connect(self, sid: str, environ: object) -> bool:
        self.mentioned.set()
        await self.opened.wait()
        return self.answer


async def test_a_connect_handler_over_its_time_limit_ends_the_connection(
    server, client: WebSocketClient
) -> None:
    """After a `connect_error` a stock client stays disconnected. The stock server waits without a limit."""
    server.sio.connect_handler.handler_timeout = 0.1
    ConnectHandler(server, answer=True)
    client.send_text("40/custom,")

    with pytest.raises(EOFError, match="1000"):
        await client.receive()
    assert not server.sio.manager._by_sid
    assert not server.sio.eio.sockets


async def test_a_failing_connect_handler_ends_the_connection(server, client: WebSocketClient) -> None:
    async def connect(sid: str, environ: object) -> None:
        raise RuntimeError("a bug")

    server.sio.on("connect", connect, namespace="/custom")
    client.send_text("40/custom,")

    with pytest.raises(EOFError, match="1000"):
        await client.receive()


async def test_a_refused_client_receives_no_broadcast(server, client: WebSocketClient) -> None:
    """The stock server sends events to clients that it has not accepted."""
    door = ConnectHandler(server, answer=False)
    client.send_text("40/custom,")
    client.send_text('42/custom,["message","too early"]')
    await door.mentioned.wait()
    await server.sio.emit("secret", 5, namespace="/custom")
    door.opened.set()

    assert await client.receive() == '44/custom,{"message":"Connection rejected by server"}'
    client.send_text("40")
    assert (await client.receive()).startswith('40{"sid"')


async def test_an_accepted_client_receives_broadcasts_after_its_connect(
    server, client: WebSocketClient
) -> None:
    door = ConnectHandler(server, answer=True)
    client.send_text("40/custom,")
    await door.mentioned.wait()
    await server.sio.emit("news", 5, namespace="/custom")
    door.opened.set()

    assert (await client.receive()).startswith('40/custom,{"sid"')
    assert await client.receive() == '42/custom,["news",5]'


async def test_connect_and_the_first_event_are_separate_messages(client: WebSocketClient) -> None:
    """Clients that await one message after the other lose the second of two in one read."""
    client.send_text("40")

    first = await asyncio.wait_for(client.reader.read(65536), 5)

    assert b'40{"sid"' in first
    assert b"auth" not in first
    assert await client.receive() == '42["auth",{}]'


async def test_a_handler_may_disconnect_the_client_that_it_accepts(server, client: WebSocketClient) -> None:
    door = ConnectHandler(server, answer=True)
    client.send_text("40/custom,")
    await door.mentioned.wait()
    (sid,) = server.sio.manager._by_sid
    await server.sio.emit("news", 5, to=sid, namespace="/custom")
    door.opened.set()
    assert (await client.receive()).startswith('40/custom,{"sid"')
    await server.sio.disconnect(sid, namespace="/custom")

    assert [await client.receive(), await client.receive()] == ['42/custom,["news",5]', "41/custom,"]


async def test_a_slow_connect_handler_delays_no_other_client(start: StartServer) -> None:
    """The stock server reads nothing while it runs, not even pongs."""
    server = await start(
        connect_delay_ms=400, ping_interval_ms=80, ping_timeout_ms=80, connect_timeout_ms=100
    )
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    client.send_text("40")
    client.send_text("40/other,")
    client.send_text('42["message","held"]')

    assert await client.receive() == '44/other,{"message":"Invalid namespace"}'
    assert (await client.receive()).startswith('40{"sid"')
    assert [await client.receive(), await client.receive()] == ['42["auth",{}]', '42["message-back","held"]']


async def test_an_open_namespace_is_served_while_another_connects(server, client: WebSocketClient) -> None:
    client.send_text("40")
    assert (await client.receive()).startswith('40{"sid"')
    await client.receive()
    door = ConnectHandler(server, answer=True)
    client.send_text("40/custom,")
    await door.mentioned.wait()
    client.send_text('42["message","meanwhile"]')

    assert await client.receive() == '42["message-back","meanwhile"]'
    door.opened.set()
    assert (await client.receive()).startswith('40/custom,{"sid"')


async def test_a_client_that_disconnects_during_the_handler_leaves_nothing_behind(
    server, client: WebSocketClient
) -> None:
    door = ConnectHandler(server, answer=True)
    client.send_text("40/custom,")
    await door.mentioned.wait()
    client.send_text("1")
    await client.receive_until_close()
    door.opened.set()

    assert not server.sio.eio.sockets
    assert not server.sio.manager._by_sid
    assert not server.sio.manager._room_members


# --- refused CONNECTs ---

REFUSED = {"unknown": "40/other,", "handler": "40/custom,"}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("opened", [False, True])
async def test_the_fifth_refused_connect_ends_the_session(
    server, client: WebSocketClient, kind: str, opened: bool
) -> None:
    ConnectHandler(server, answer=False).opened.set()
    if opened:
        client.send_text("40")
        assert (await client.receive()).startswith('40{"sid"')
        await client.receive()

    for _ in range(MAX_REFUSED_CONNECTS):
        client.send_text(REFUSED[kind])
        assert (await client.receive()).startswith("44/")

    with pytest.raises(EOFError, match="1008"):
        await client.receive()
    assert not server.sio.manager._by_sid


async def test_the_fifth_refused_connect_ends_a_polling_session(server) -> None:
    client = await PollingClient(server.port, "/socket.io/").handshake()
    for _ in range(MAX_REFUSED_CONNECTS):
        assert await client.post_packets("40/other,") == (200, b"ok")

    received = (await client.poll())[1]

    assert received == [*['44/other,{"message":"Invalid namespace"}'] * MAX_REFUSED_CONNECTS, "1"]
    assert (await client.poll())[0] == 400


# --- time limits until a client is accepted ---

LIMIT_MS = 300
PERSISTENT = {
    "nothing": [],
    "pongs": ["3"],
    "refused CONNECTs": ["40/other,"],
    "a slow handler": ["40"],
    "a slow handler after a refusal": ["40/other,", "40"],
    "a slow handler for another namespace, later": ["40", "3", "3", "40/custom,"],
    "slow handlers that are left": ["40", "41", "40", "41", "40", "41"],
}


async def _slow(start: StartServer) -> Running:
    """A server with a short time limit whose connect handler never returns."""
    server: Running = await start(
        connect_timeout_ms=LIMIT_MS, connect_delay_ms=60_000, ping_interval_ms=150, ping_timeout_ms=5000
    )
    server.sio.connect_handler.handler_timeout = LIMIT_MS / 1000
    return server


@pytest.mark.parametrize("kind", PERSISTENT)
async def test_an_unaccepted_client_is_closed_in_time(start: StartServer, kind: str) -> None:
    server = await _slow(start)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    packets = iter([*PERSISTENT[kind], *["3"] * 100])
    began = time.monotonic()

    closed = asyncio.ensure_future(client.receive_until_close())
    while not (await asyncio.wait([closed], timeout=LIMIT_MS / 4000))[0]:
        client.send_text(next(packets))

    assert time.monotonic() - began < 4 * LIMIT_MS / 1000
    await until(lambda: not server.sio.eio.sockets)
    assert not server.sio.manager._by_sid


@pytest.mark.parametrize("kind", ["nothing", "refused CONNECTs", "a slow handler"])
async def test_an_unaccepted_polling_client_is_closed_in_time(start: StartServer, kind: str) -> None:
    server = await _slow(start)
    client = await PollingClient(server.port, "/socket.io/").handshake()
    began = time.monotonic()
    if PERSISTENT[kind]:
        assert (await client.post_packets(*PERSISTENT[kind]))[0] == 200

    received: list[str] = []
    while (answer := await client.poll())[0] == 200:
        received += answer[1]
        if "2" in answer[1]:
            await client.post_packets("3")

    assert "1" not in received, "Python's stock client would stay away"
    assert time.monotonic() - began < 4 * LIMIT_MS / 1000
    await until(lambda: not server.sio.eio.sockets)


async def test_refusals_do_not_extend_the_time_limit_for_a_connect(start: StartServer) -> None:
    server = await start(connect_timeout_ms=LIMIT_MS, ping_interval_ms=25_000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    began = time.monotonic()

    for _ in range(MAX_REFUSED_CONNECTS - 1):
        client.send_text("40/other,")
        assert (await client.receive()).startswith("44/other,")

    with pytest.raises(EOFError, match="1000"):
        await client.receive()
    assert LIMIT_MS / 2000 < time.monotonic() - began < 3 * LIMIT_MS / 1000


async def test_a_client_that_left_its_last_namespace_may_connect_again(start: StartServer) -> None:
    server = await start(connect_timeout_ms=LIMIT_MS, ping_interval_ms=25_000)
    client = await WebSocketClient(server.port).handshake("/socket.io/")
    await client.receive()
    client.send_text("40")
    await client.receive()
    await client.receive()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.receive(), 2 * LIMIT_MS / 1000)

    client.send_text("41")
    client.send_text("40")

    assert (await client.receive()).startswith('40{"sid"')


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_unknown_namespace_is_logged_once_with_the_existing_ones(
    instance: LiveInstance, caplog: pytest.LogCaptureFixture
) -> None:
    async with instance.http.ws_connect(f"{instance.url}/socket.io/?EIO=4&transport=websocket") as socket:
        await socket.receive_str()
        for packet in ("40", "40/other,"):
            await socket.send_str(packet)
            assert "Invalid namespace" in await socket.receive_str()

    (record,) = [it for it in caplog.records if "namespace" in it.message]
    assert (record.namespace, record.namespaces) == ("/", "/chat, /notifications")  # type: ignore[attr-defined]
