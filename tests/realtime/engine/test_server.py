"""Who breaks every rule, and who comes and goes: nobody else notices, and nothing stays."""

import asyncio
import gc
import random
from pathlib import Path

import pytest

from tests.realtime.conftest import OPENED, Polls, Wire, Ws, until

ROUNDS = 400
CHURN = 2000
AT_ONCE = 50


def _bytes(dice: random.Random, most: int) -> bytes:
    return dice.randbytes(dice.randrange(most))


def _packet(dice: random.Random) -> bytes:
    """Something like a packet."""
    good = dice.choice(
        [
            b"40", b"40/custom,", b'42["message",1]', b'421["message-with-ack",{"a":[1]}]', b"41", b"3", b"1",
            b'451-["message",{"_placeholder":true,"num":0}]', b"431[]", b"2probe", b"5", b"4", b"",
        ]
    )  # fmt: skip
    changed = bytearray(good)
    for _ in range(dice.randrange(3)):
        place = dice.randrange(len(changed) + 1)
        changed[place : place + dice.randrange(2)] = _bytes(dice, 4)
    return bytes(changed)


def _http(dice: random.Random) -> bytes:
    method = dice.choice([b"GET", b"POST", b"PUT", b"OPTIONS", b"HEAD", _bytes(dice, 8)])
    query = b"&".join(
        dice.choice(
            [b"EIO=4", b"EIO=3", b"transport=polling", b"transport=websocket", b"sid=x", _bytes(dice, 9)]
        )
        for _ in range(4)
    )
    head = dice.choice(
        [b"", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", _bytes(dice, 40) + b"\r\n"]
    )
    return method + b" /socket.io/?" + query + b" HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n" + _bytes(dice, 50)


async def _attack(port: int, dice: random.Random) -> None:
    kind = dice.randrange(4)
    if kind == 0:
        wire = await Wire(port).open()
        wire.send(_http(dice))
        await asyncio.sleep(0)
    elif kind == 1:
        wire = await Ws(port).shake("/socket.io/")
        wire.say("40")
        for _ in range(dice.randrange(30)):
            wire.send(Ws.frame(_packet(dice), dice.choice([0x81, 0x82, 0x01, 0x80, 0x89, 0x88])))
    elif kind == 2:
        wire = await Ws(port).shake(dice.choice(["/socket.io/", "/engine.io/"]))
        wire.send(_bytes(dice, 300))
    else:
        polls = await Polls(port, "/socket.io/").shake()
        await polls.post("40")
        await polls.request("POST", b"\x1e".join(_packet(dice) for _ in range(dice.randrange(1, 9))))
        return
    if dice.random() < 0.5:
        wire.writer.transport.abort()
    else:
        wire.close()


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_healthy_client_does_not_notice_an_attack(server, seed: int) -> None:
    dice = random.Random(seed)
    healthy = await Ws(server.port).shake("/socket.io/")
    healthy.say("40")
    for _ in range(3):
        await healthy.hear()
    tasks, descriptors = len(asyncio.all_tasks()), _descriptors()

    for number in range(ROUNDS):
        await _attack(server.port, dice)
        if number % 20 == 0:
            healthy.say(f'421["message-with-ack",{number}]')
            assert await healthy.hear() == f"431[{number}]"

    await until(lambda: len(server.sio.eio.websockets) == 1 and not server.engine.websockets)
    for session in list(server.sio.eio.sockets.values()):
        if not session.upgraded:  # sessions that poll no more go with their heartbeat
            session.close(flush=False)
    OPENED[:] = [writer for writer in OPENED if not writer.is_closing()]
    await until(lambda: len(asyncio.all_tasks()) <= tasks and _descriptors() <= descriptors)
    assert len(server.sio.eio.sockets) == 1
    assert len(server.sio.manager._by_sid) == 1
    healthy.say('42["message","well"]')
    assert await healthy.hear() == '42["message-back","well"]'


@pytest.mark.slow
async def test_coming_and_going_leaves_nothing_behind(server) -> None:
    async def visit() -> None:
        client = await Ws(server.port).shake("/socket.io/")
        client.say("40")
        for _ in range(3):
            await client.hear()
        client.say("1")
        await client.end()
        client.close()
        await client.writer.wait_closed()

    async def visits(count: int) -> None:
        for _ in range(count // AT_ONCE):
            await asyncio.gather(*(visit() for _ in range(AT_ONCE)))
        OPENED.clear()
        await until(lambda: not server.sio.eio.websockets)
        gc.collect()

    await visits(200)
    before = (len(asyncio.all_tasks()), _descriptors(), len(gc.get_objects()))
    await visits(CHURN)

    await until(lambda: len(asyncio.all_tasks()) <= before[0] and _descriptors() <= before[1])
    engine = server.sio.eio
    assert not engine.sockets
    assert not engine.lingering
    assert not server.sio.environ
    assert not server.sio.manager._by_sid
    assert not server.sio.manager._members
    assert len(engine.timers) <= 1
    assert len(gc.get_objects()) < before[2] + 20_000
