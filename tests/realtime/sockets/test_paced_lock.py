"""One event of a user at a time, for a share of the time, so that one user costs others little."""

import asyncio
import random
from typing import Any

import pytest

from hubbub.core import clock
from hubbub.realtime.sockets.paced_lock import CPU_BURST_S, CPU_SHARE, MAX_CHARGE_S, PacedLock
from hubbub.schemas.base import Command, View
from hubbub.services.context import Context
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until


class Clock:
    """Time that advances while something waits or works, and processor time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.worked = 1000.0, 50.0
        self.pauses: list[float] = []
        monkeypatch.setattr(clock, "monotonic", lambda: self.now)
        monkeypatch.setattr(clock, "thread_time", lambda: self.worked)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def work(self, turn: PacedLock, seconds: float) -> None:
        async with turn:
            self.now += seconds
            self.worked += seconds

    async def wait(self, turn: PacedLock, seconds: float) -> None:
        async with turn:
            self.now += seconds


async def test_a_burst_needs_no_pause_and_then_a_share_of_the_time_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time, turn = Clock(monkeypatch), PacedLock(paced=True)
    for _ in range(round(CPU_BURST_S / 0.05)):
        await time.work(turn, 0.05)
    assert time.pauses == []

    began = time.now
    for _ in range(200):
        await time.work(turn, 0.05)

    assert 200 * 0.05 / CPU_SHARE * 0.9 < time.now - began < 200 * 0.05 / CPU_SHARE * 1.1


@pytest.mark.parametrize(("paced", "seconds"), [(False, 0.2), (True, 0.001)])
async def test_a_light_or_unlimited_user_never_pauses(
    monkeypatch: pytest.MonkeyPatch, paced: bool, seconds: float
) -> None:
    time, turn = Clock(monkeypatch), PacedLock(paced=paced)
    for _ in range(1000):
        await time.work(turn, seconds)
        await time.wait(turn, 0.02)

    assert time.pauses == []


async def test_a_user_waiting_for_a_store_does_not_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    time, turn = Clock(monkeypatch), PacedLock(paced=True)
    for _ in range(100):
        await time.wait(turn, 10)

    assert time.pauses == []


async def test_the_charge_of_one_event_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    time, turn = Clock(monkeypatch), PacedLock(paced=True)
    for _ in range(round(CPU_BURST_S / MAX_CHARGE_S) + 1):
        await time.work(turn, 10)

    await time.work(turn, 0)

    assert sum(time.pauses) <= MAX_CHARGE_S / CPU_SHARE


async def test_a_cancelled_pause_frees_the_turn() -> None:
    turn = PacedLock(paced=True)
    turn._budget_s = -100.0
    waiting = asyncio.ensure_future(turn.__aenter__())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    turn._budget_s = CPU_BURST_S
    async with asyncio.timeout(5), turn:
        pass


async def test_callers_that_are_cancelled_never_let_two_run_at_once() -> None:
    """The lock exists only while it is used."""
    turn, dice, running, most, done = PacedLock(paced=False), random.Random(1), 0, 0, 0

    async def use() -> None:
        nonlocal running, most, done
        async with turn:
            running += 1
            most = max(most, running)
            try:
                for _ in range(3):
                    await asyncio.sleep(0)
            finally:
                running -= 1
            done += 1

    for _ in range(50):
        callers = [asyncio.ensure_future(use()) for _ in range(6)]
        for _ in range(dice.randrange(12)):
            dice.choice(callers).cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*callers, return_exceptions=True)
        assert turn._lock is None
        assert turn.start_immediate()
        turn.end_immediate()

    assert most == 1
    assert done > 50


async def test_an_immediate_event_is_charged_and_never_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    time, turn = Clock(monkeypatch), PacedLock(paced=True)
    started = 0
    while turn.start_immediate():
        started += 1
        time.worked += 0.05
        turn.end_immediate()

    assert CPU_BURST_S / 0.05 <= started <= CPU_BURST_S / 0.05 + 1
    time.now += CPU_BURST_S / CPU_SHARE
    assert turn.start_immediate()


async def test_an_immediate_event_overtakes_no_other_one() -> None:
    turn, order = PacedLock(paced=False), []

    async def use(name: str) -> None:
        async with turn:
            order.append(name)
            assert not turn.start_immediate()

    await turn.__aenter__()
    waiting = [asyncio.ensure_future(use("first")), asyncio.ensure_future(use("cancelled"))]
    await asyncio.sleep(0)
    waiting[1].cancel()
    assert not turn.start_immediate()
    await turn.__aexit__()
    assert not turn.start_immediate()  # the lock is free, and the next event is about to take it
    await asyncio.wait(waiting)

    assert order == ["first"]
    assert turn.start_immediate()


# --- the same by sockets ---


class Wait(Command, frozen=True):
    """A command of these tests."""


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_all_sockets_of_a_user_share_a_turn(instance: LiveInstance) -> None:
    goes, running, most = asyncio.Event(), 0, 0

    async def wait(_: Context, __: Wait) -> View:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await goes.wait()
        running -= 1
        return View()

    instance.app.chat._dispatcher._events.add("wait", Wait, wait)
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    devices = [ada, await instance.another_client("ada"), await instance.another_client("ada")]
    asked: list[asyncio.Future[Any]] = [
        asyncio.ensure_future(device.call_for_ack("wait")) for device in devices
    ]
    await until(lambda: running == 1)

    assert (await bob.call_for_ack("room:list"))["ok"]
    assert (await instance.another_client("ada")).ready
    later = asyncio.ensure_future(devices[1].call_for_ack("room:list"))
    goes.set()

    assert all(each["ok"] for each in await asyncio.gather(*asked, later))
    assert most == 1
    assert (await ada.send(room_id, "x"))["body"] == "x"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_an_event_is_dropped_when_its_socket_closed_while_it_waited(instance: LiveInstance) -> None:
    goes, ran = asyncio.Event(), []

    async def wait(ctx: Context, _: Wait) -> View:
        ran.append(ctx.socket_id)
        await goes.wait()
        return View()

    instance.app.chat._dispatcher._events.add("wait", Wait, wait)
    await instance.register("ada")
    first, second = await instance.another_client("ada"), await instance.another_client("ada")
    asked = asyncio.ensure_future(first.call_for_ack("wait"))
    await until(lambda: len(ran) == 1)
    sid = second.sio.get_sid("/chat")
    waiting = instance.app.chat.connections.by_sid[sid]
    await second.sio.emit("wait", {}, namespace="/chat")
    await until(lambda: waiting.busy)

    await second.close()
    await until(lambda: waiting.closed)
    goes.set()

    assert (await asked)["ok"]
    await until(lambda: not waiting.busy)
    assert len(ran) == 1
