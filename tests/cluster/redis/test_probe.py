"""Whether an instance has received all that was published: a round trip through Redis."""

import asyncio
import time
from uuid import uuid4

import pytest

from hubbub.cluster.bus import MemberChanged
from hubbub.cluster.redis import probe
from hubbub.cluster.redis.probe import Probe
from tests.cluster.conftest import until
from tests.support.relay import Relay


@pytest.fixture
async def relay(redis_url):
    async with Relay(redis_url) as made:
        yield made


async def test_what_was_confirmed_is_received_when_the_memory_is_current(ears) -> None:
    here, there = ears
    user_id, room_id = uuid4(), uuid4()
    there.bus.follow_user(user_id)
    await there.bus.settled()

    for number in range(200):
        here.bus.publish(MemberChanged(user_id, room_id, seq=number))
        await here.bus.flushed()

        assert await there.bus.current(user_id)
        assert len(there.heard) == number + 1


async def test_the_memory_of_an_unsubscribed_user_is_not_current(redis_bus) -> None:
    here = await redis_bus()

    assert not await here.bus.current(uuid4())


@pytest.mark.parametrize("how", ["silent", "cut", "gone"])
async def test_without_redis_nothing_is_current_and_nobody_waits(redis_bus, relay, how) -> None:
    here, user_id = await redis_bus(relay.url), uuid4()
    here.bus.follow_user(user_id)
    await here.bus.settled()
    match how:
        case "silent":
            relay.freeze()
        case "cut":
            relay.freeze()
            relay.hang_up()
        case "gone":
            await relay.down()

    began = time.monotonic()
    for _ in range(50):
        here.bus.publish(MemberChanged(user_id, uuid4()))
        await here.bus.flushed()
        assert not await here.bus.current(user_id)
    assert time.monotonic() - began < 2, "the first call waits, the others know"

    await relay.up() if how == "gone" else relay.thaw()
    await until(lambda: here.bus.state() == "ok")
    await until(lambda: here.bus.current(user_id))


async def test_calls_of_one_turn_share_a_round_trip() -> None:
    sent: list[bytes] = []
    made = Probe(sent.append)
    calls = [asyncio.create_task(made.current()) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    made.on_heartbeat(b"")
    made.on_heartbeat(sent[0])

    assert sent == [b"1"]
    assert all(await asyncio.gather(*calls))


async def test_a_lost_number_is_a_reason_to_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.01)
    sent: list[bytes] = []
    made = Probe(sent.append)
    assert not await made.current()
    await until(lambda: len(sent) == 1)

    assert not await made.current()
    await until(lambda: len(sent) == 2)
    made.on_heartbeat(sent[1])
    assert not await made.current(), "other signals may be lost as well"

    await until(lambda: len(sent) == 3)
    monkeypatch.setattr(probe, "ANSWER_S", 5.0)
    made.reset()
    made._doubtful_until = 0.0
    current = asyncio.create_task(made.current())
    await until(lambda: len(sent) == 4)
    made.on_heartbeat(sent[-1])
    assert await current


async def test_numbers_that_never_come_back_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.0)
    made = Probe(lambda _: None)

    for _ in range(probe.SILENT * 2):
        assert not await made.current()
        await asyncio.sleep(0)

    assert len(made._sent) <= probe.SILENT
