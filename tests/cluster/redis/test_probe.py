"""A round trip through Redis shows whether an instance has received all published signals."""

import asyncio
import time
from uuid import uuid4

import pytest

from hubbub.cluster.bus import MemberChanged
from hubbub.cluster.redis import probe
from hubbub.cluster.redis.probe import Probe
from tests.cluster.conftest import until
from tests.support.tcp_proxy import TcpProxy


@pytest.fixture
async def proxy(redis_url):
    async with TcpProxy(redis_url) as made:
        yield made


async def test_a_confirmed_signal_is_received_when_the_cache_is_current(recorders) -> None:
    here, there = recorders
    user_id, room_id = uuid4(), uuid4()
    there.bus.subscribe_user(user_id)
    await there.bus.wait_subscribed()

    for number in range(200):
        here.bus.publish(MemberChanged(user_id, room_id, seq=number))
        await here.bus.wait_published()

        assert await there.bus.is_current(user_id)
        assert len(there.signals) == number + 1


async def test_the_cache_of_an_unsubscribed_user_is_not_current(redis_bus) -> None:
    here = await redis_bus()

    assert not await here.bus.is_current(uuid4())


@pytest.mark.parametrize("how", ["silent", "cut", "gone"])
async def test_nothing_is_current_without_redis_and_no_call_waits(redis_bus, proxy, how) -> None:
    here, user_id = await redis_bus(proxy.url), uuid4()
    here.bus.subscribe_user(user_id)
    await here.bus.wait_subscribed()
    match how:
        case "silent":
            proxy.freeze()
        case "cut":
            proxy.freeze()
            proxy.reset_connections()
        case "gone":
            await proxy.stop()

    began = time.monotonic()
    for _ in range(50):
        here.bus.publish(MemberChanged(user_id, uuid4()))
        await here.bus.wait_published()
        assert not await here.bus.is_current(user_id)
    assert time.monotonic() - began < 2, "the first call waits, the others know"

    await proxy.start() if how == "gone" else proxy.thaw()
    await until(lambda: here.bus.state() == "ok")
    await until(lambda: here.bus.is_current(user_id))


async def test_concurrent_calls_share_a_round_trip() -> None:
    sent: list[bytes] = []
    made = Probe(sent.append)
    calls = [asyncio.create_task(made.is_current()) for _ in range(100)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    made.on_heartbeat(b"")
    made.on_heartbeat(sent[0])

    assert sent == [b"1"]
    assert all(await asyncio.gather(*calls))


async def test_a_lost_number_marks_the_cache_as_not_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_S", 0.01)
    sent: list[bytes] = []
    made = Probe(sent.append)
    assert not await made.is_current()
    await until(lambda: len(sent) == 1)

    assert not await made.is_current()
    await until(lambda: len(sent) == 2)
    made.on_heartbeat(sent[1])
    assert not await made.is_current(), "other signals may be lost as well"

    await until(lambda: len(sent) == 3)
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_S", 5.0)
    made.reset()
    made._uncertain_until = 0.0
    current = asyncio.create_task(made.is_current())
    await until(lambda: len(sent) == 4)
    made.on_heartbeat(sent[-1])
    assert await current


async def test_unanswered_numbers_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "PROBE_TIMEOUT_S", 0.0)
    made = Probe(lambda _: None)

    for _ in range(probe.MAX_PENDING_PROBES * 2):
        assert not await made.is_current()
        await asyncio.sleep(0)

    assert len(made._pending) <= probe.MAX_PENDING_PROBES
