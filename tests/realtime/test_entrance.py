"""Letting clients into namespaces: nobody waits for anybody else, and nobody gets what is not for them."""

import asyncio

import pytest

from tests.conformance.server import Running
from tests.realtime.conftest import Start, Ws


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


async def test_a_connect_handler_that_takes_too_long(server, client: Ws) -> None:
    """The stock server waits for it as long as it takes, and reads nothing meanwhile."""
    server.sio.entrance.seconds = 0.1
    Door(server, answer=True)
    client.say("40/custom,")

    assert (await client.hear()).startswith('44/custom,{"message":"That took too long."')
    assert not server.sio.manager._by_sid
    client.say("40")
    assert (await client.hear()).startswith('40{"sid"')


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
