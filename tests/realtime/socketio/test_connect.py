"""Letting clients into namespaces: nobody waits for anybody else, and nobody gets what is not for them."""

import asyncio
import time

import pytest

from hubbub.realtime.socketio.connect import REFUSALS
from tests.conformance.server import Running
from tests.realtime.conftest import Polls, Start, Ws
from tests.support.waiting import until
from tests.support.world import World


@pytest.fixture
async def client(server) -> Ws:
    made = await Ws(server.port).shake("/socket.io/")
    await made.hear()
    return made


class Door:
    """A connect handler that waits until it is told what to say."""

    def __init__(self, server: Running, answer: bool) -> None:
        self.called = asyncio.Event()
        self.opened = asyncio.Event()
        self.answer = answer
        server.sio.on("connect", self._connect, namespace="/custom")

    async def _connect(self, sid: str, environ: object) -> bool:
        self.called.set()
        await self.opened.wait()
        return self.answer


async def test_a_connect_handler_that_takes_too_long_ends_the_connection(server, client: Ws) -> None:
    """After a `connect_error` a stock client stays away. The stock server waits for as long as it takes."""
    server.sio.entrance.seconds = 0.1
    Door(server, answer=True)
    client.say("40/custom,")

    with pytest.raises(EOFError, match="1000"):
        await client.hear()
    assert not server.sio.manager._by_sid
    assert not server.sio.eio.sockets


async def test_a_connect_handler_that_fails_ends_the_connection(server, client: Ws) -> None:
    async def connect(sid: str, environ: object) -> None:
        raise RuntimeError("a bug")

    server.sio.on("connect", connect, namespace="/custom")
    client.say("40/custom,")

    with pytest.raises(EOFError, match="1000"):
        await client.hear()


async def test_who_is_refused_gets_nothing_that_went_to_all(server, client: Ws) -> None:
    """The stock server sends events to clients that it has not let in."""
    door = Door(server, answer=False)
    client.say("40/custom,")
    client.say('42/custom,["message","too early"]')
    await door.called.wait()
    await server.sio.emit("secret", 5, namespace="/custom")
    door.opened.set()

    assert await client.hear() == '44/custom,{"message":"Connection rejected by server"}'
    client.say("40")
    assert (await client.hear()).startswith('40{"sid"')


async def test_who_is_let_in_gets_it_after_the_answer(server, client: Ws) -> None:
    door = Door(server, answer=True)
    client.say("40/custom,")
    await door.called.wait()
    await server.sio.emit("news", 5, namespace="/custom")
    door.opened.set()

    assert (await client.hear()).startswith('40/custom,{"sid"')
    assert await client.hear() == '42/custom,["news",5]'


async def test_connect_and_the_first_event_come_apart(client: Ws) -> None:
    """Clients that await one message after the other lose the second of two in one read."""
    client.say("40")

    first = await asyncio.wait_for(client.reader.read(65536), 5)

    assert b'40{"sid"' in first
    assert b"auth" not in first
    assert await client.hear() == '42["auth",{}]'


async def test_a_handler_may_disconnect_whom_it_lets_in(server, client: Ws) -> None:
    door = Door(server, answer=True)
    client.say("40/custom,")
    await door.called.wait()
    (sid,) = server.sio.manager._by_sid
    await server.sio.emit("news", 5, to=sid, namespace="/custom")
    door.opened.set()
    assert (await client.hear()).startswith('40/custom,{"sid"')
    await server.sio.disconnect(sid, namespace="/custom")

    assert [await client.hear(), await client.hear()] == ['42/custom,["news",5]', "41/custom,"]


async def test_a_slow_connect_handler_holds_up_nobody(start: Start) -> None:
    """The stock server reads nothing while it runs, not even pongs."""
    server = await start(
        connect_delay_ms=400, ping_interval_ms=80, ping_timeout_ms=80, connect_timeout_ms=100
    )
    client = await Ws(server.port).shake("/socket.io/")
    await client.hear()
    client.say("40")
    client.say("40/other,")
    client.say('42["message","held"]')

    assert await client.hear() == '44/other,{"message":"Invalid namespace"}'
    assert (await client.hear()).startswith('40{"sid"')
    assert [await client.hear(), await client.hear()] == ['42["auth",{}]', '42["message-back","held"]']


async def test_an_open_namespace_is_served_while_another_is_entered(server, client: Ws) -> None:
    client.say("40")
    assert (await client.hear()).startswith('40{"sid"')
    await client.hear()
    door = Door(server, answer=True)
    client.say("40/custom,")
    await door.called.wait()
    client.say('42["message","meanwhile"]')

    assert await client.hear() == '42["message-back","meanwhile"]'
    door.opened.set()
    assert (await client.hear()).startswith('40/custom,{"sid"')


async def test_who_goes_while_the_handler_runs_leaves_nothing_behind(server, client: Ws) -> None:
    door = Door(server, answer=True)
    client.say("40/custom,")
    await door.called.wait()
    client.say("1")
    await client.end()
    door.opened.set()

    assert not server.sio.eio.sockets
    assert not server.sio.manager._by_sid
    assert not server.sio.manager._members


# --- refused CONNECTs ---

REFUSED = {"unknown": "40/other,", "handler": "40/custom,"}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("opened", [False, True])
async def test_the_fifth_refused_connect_ends_the_session(
    server, client: Ws, kind: str, opened: bool
) -> None:
    Door(server, answer=False).opened.set()
    if opened:
        client.say("40")
        assert (await client.hear()).startswith('40{"sid"')
        await client.hear()

    for _ in range(REFUSALS):
        client.say(REFUSED[kind])
        assert (await client.hear()).startswith("44/")

    with pytest.raises(EOFError, match="1008"):
        await client.hear()
    assert not server.sio.manager._by_sid


async def test_the_fifth_refused_connect_ends_a_session_that_polls(server) -> None:
    client = await Polls(server.port, "/socket.io/").shake()
    for _ in range(REFUSALS):
        assert await client.post("40/other,") == (200, b"ok")

    heard = (await client.poll())[1]

    assert heard == [*['44/other,{"message":"Invalid namespace"}'] * REFUSALS, "1"]
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


async def _slow(start: Start) -> Running:
    """A server whose connect handler answers never, and that gives little time."""
    server: Running = await start(
        connect_timeout_ms=LIMIT_MS, connect_delay_ms=60_000, ping_interval_ms=150, ping_timeout_ms=5000
    )
    server.sio.entrance.seconds = LIMIT_MS / 1000
    return server


@pytest.mark.parametrize("kind", PERSISTENT)
async def test_a_client_that_is_not_accepted_is_closed_in_time(start: Start, kind: str) -> None:
    server = await _slow(start)
    client = await Ws(server.port).shake("/socket.io/")
    packets = iter([*PERSISTENT[kind], *["3"] * 100])
    began = time.monotonic()

    closed = asyncio.ensure_future(client.end())
    while not (await asyncio.wait([closed], timeout=LIMIT_MS / 4000))[0]:
        client.say(next(packets))

    assert time.monotonic() - began < 4 * LIMIT_MS / 1000
    await until(lambda: not server.sio.eio.sockets)
    assert not server.sio.manager._by_sid


@pytest.mark.parametrize("kind", ["nothing", "refused CONNECTs", "a slow handler"])
async def test_a_polling_client_that_is_not_accepted_is_closed_in_time(start: Start, kind: str) -> None:
    server = await _slow(start)
    client = await Polls(server.port, "/socket.io/").shake()
    began = time.monotonic()
    if PERSISTENT[kind]:
        assert (await client.post(*PERSISTENT[kind]))[0] == 200

    heard: list[str] = []
    while (answer := await client.poll())[0] == 200:
        heard += answer[1]
        if "2" in answer[1]:
            await client.post("3")

    assert "1" not in heard, "Python's stock client would stay away"
    assert time.monotonic() - began < 4 * LIMIT_MS / 1000
    await until(lambda: not server.sio.eio.sockets)


async def test_refusals_do_not_renew_the_time_for_a_connect(start: Start) -> None:
    server = await start(connect_timeout_ms=LIMIT_MS, ping_interval_ms=25_000)
    client = await Ws(server.port).shake("/socket.io/")
    await client.hear()
    began = time.monotonic()

    for _ in range(REFUSALS - 1):
        client.say("40/other,")
        assert (await client.hear()).startswith("44/other,")

    with pytest.raises(EOFError, match="1000"):
        await client.hear()
    assert LIMIT_MS / 2000 < time.monotonic() - began < 3 * LIMIT_MS / 1000


async def test_a_client_that_left_its_last_namespace_may_connect_again(start: Start) -> None:
    server = await start(connect_timeout_ms=LIMIT_MS, ping_interval_ms=25_000)
    client = await Ws(server.port).shake("/socket.io/")
    await client.hear()
    client.say("40")
    await client.hear()
    await client.hear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.hear(), 2 * LIMIT_MS / 1000)

    client.say("41")
    client.say("40")

    assert (await client.hear()).startswith('40{"sid"')


async def test_an_unknown_namespace_is_logged_once_with_those_that_exist(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with world.http.ws_connect(f"{world.url}/socket.io/?EIO=4&transport=websocket") as socket:
        await socket.receive_str()
        for packet in ("40", "40/other,"):
            await socket.send_str(packet)
            assert "Invalid namespace" in await socket.receive_str()

    (record,) = [it for it in caplog.records if "namespace" in it.message]
    assert (record.namespace, record.namespaces) == ("/", "/chat")  # type: ignore[attr-defined]
