"""Attacks and reconnecting clients affect no other client and leave nothing behind."""

import asyncio
import gc
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from hubbub.realtime.socketio.handler_namespace import HandlerNamespace
from tests.conformance.server import Running
from tests.realtime import attacks
from tests.realtime.conftest import OPEN_WRITERS, PollingClient, StartServer, TcpClient, WebSocketClient
from tests.support.waiting import until

ATTACKS = int(os.environ.get("TEST_ATTACKS", "100"))
AT_ONCE = 20
SETTLE_S = 60.0
MAX_EVENT_BYTES = 131_072  # as of hubbub's own namespaces; those of handlers have no limit
PACE_S = 0.06  # between two bursts of five: a client may send 100 packets a second
SLOWEST_S = 2.0  # attackers share the event loop with the server, and the machine with other tests
SPARE_MB = 50  # that an allocator may keep after a storm


class Usage(NamedTuple):
    """What a server holds, and this process with it."""

    tasks: int
    descriptors: int
    sessions: int
    timers: int
    connections: int

    @classmethod
    def of(cls, server: Running) -> "Usage":
        engines = (server.engine, server.sio.eio)
        http = server.runner.server
        assert http is not None
        return cls(
            len(asyncio.all_tasks()),
            sum(1 for _ in Path("/proc/self/fd").iterdir()),
            sum(len(each.sockets) + len(each.lingering) + len(each.websockets) for each in engines),
            sum(len(each.timers) for each in engines) + len(server.sio.manager._by_sid),
            len(http.connections),
        )

    def within(self, bound: "Usage") -> bool:
        return all(one <= most for one, most in zip(self, bound, strict=True))


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


async def _settled(server: Running, before: Usage) -> None:
    """Wait until the server holds no more than before. Returns what is left at the deadline."""
    deadline = time.monotonic() + SETTLE_S
    while not (now := Usage.of(server)).within(before):
        assert time.monotonic() < deadline, (before, now, asyncio.all_tasks())
        await asyncio.sleep(0.02)


class Healthy:
    """A client that minds its own business, and counts how long it waits."""

    def __init__(self, wire: WebSocketClient) -> None:
        self._wire = wire
        self.rounds = 0
        self.slowest_s = 0.0

    @classmethod
    @asynccontextmanager
    async def beside(cls, server: Running) -> AsyncIterator["Healthy"]:
        wire = await WebSocketClient(server.port).handshake("/socket.io/")
        wire.send_text("40")
        for _ in range(3):
            await wire.receive()
        yield cls(wire)

    async def talk(self, until_done: asyncio.Event) -> None:
        """Bursts of events. The acks arrive in order, each within the deadline."""
        while not until_done.is_set():
            began = time.monotonic()
            numbers = range(self.rounds * 5, self.rounds * 5 + 5)
            for number in numbers:
                self._wire.send_text(f'42{number}["message-with-ack",{number}]')
            assert [await self._wire.receive() for _ in numbers] == [
                f"43{number}[{number}]" for number in numbers
            ]
            self.slowest_s = max(self.slowest_s, time.monotonic() - began)
            self.rounds += 1
            await asyncio.sleep(PACE_S)


async def _storm(server: Running, dice: random.Random, count: int) -> list[TcpClient]:
    """So many attacks, some at a time; what they left open."""
    left: list[TcpClient] = []

    async def one(attack: attacks.Attack) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if (wire := await attack(server.port, dice)) is not None:
                left.append(wire)

    for number in range(0, count, AT_ONCE):
        chosen = [dice.choice(attacks.ALL) for _ in range(AT_ONCE)]
        chosen.append(attacks.HEAVY[number // AT_ONCE % len(attacks.HEAVY)])
        async with asyncio.TaskGroup() as group:
            for attack in chosen:
                group.create_task(one(attack))
        for wire in dice.sample(left, len(left) // 3):  # the others stay connected, and send nothing
            wire.writer.transport.abort()
            left.remove(wire)
    return left


@pytest.mark.slow("7 s: attacks by the hundred beside a client that is measured")
@pytest.mark.parametrize("seed", [1])
async def test_other_clients_are_not_affected_by_an_attack(
    start: StartServer,
    caplog: pytest.LogCaptureFixture,
    figures: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Afterwards all is as before; only the log has a few short lines more."""
    monkeypatch.setattr(HandlerNamespace, "max_event_bytes", MAX_EVENT_BYTES)
    server = await start(
        ping_interval_ms=500,
        ping_timeout_ms=10_000,
        upgrade_timeout_ms=1000,
        connect_timeout_ms=3000,  # all of them share one event loop
        limits="on",
    )
    server.sio.reader.attachments_timeout = 1.0
    http = server.runner.server
    http.header_s = http.stalled_s = 1.0
    for engine in (server.engine, server.sio.eio):
        engine.max_output_bytes = 1_000_000
        engine.body_timeout = engine.linger_timeout = engine.close_timeout = 1.0
    dice, done = random.Random(seed), asyncio.Event()
    caplog.set_level("INFO")
    async with Healthy.beside(server) as healthy:
        await _settled(server, Usage(10**9, 10**9, 10**9, 10**9, 0))
        before = Usage.of(server)
        talking = asyncio.create_task(healthy.talk(done))
        before = before._replace(tasks=before.tasks + 1)
        left = await _storm(server, dice, 100)
        resident, began = _resident_mb(), time.monotonic()

        left += await _storm(server, dice, ATTACKS)
        seconds = time.monotonic() - began
        await _end(left)
        await _settled(server, before)
        gc.collect()
        grown = _resident_mb() - resident
        done.set()
        await talking

    said = [record for record in caplog.records if record.name != "asyncio"]
    figures(
        f"{ATTACKS} attacks in {seconds:.1f} s; {healthy.rounds} rounds of a healthy client beside them, "
        f"the slowest {healthy.slowest_s:.2f} s; resident {grown:+.1f} MB; {len(said)} lines in the log"
    )
    assert grown < SPARE_MB
    assert healthy.slowest_s < SLOWEST_S
    assert len(said) <= 10 + 4 * (time.monotonic() - began)
    assert not [record for record in said if record.exc_info or len(record.getMessage()) > 200]


async def _end(left: list[TcpClient]) -> None:
    """Open connections are closed by the server. Clients that were not reading begin to read."""
    for wire in left:
        with suppress(RuntimeError):
            wire.writer.transport.resume_reading()  # type: ignore[attr-defined] # of sockets
    async with asyncio.timeout(SETTLE_S):
        for wire in left:
            with suppress(ConnectionError):
                while await wire.reader.read(1 << 20):
                    pass
            wire.close()
    for writer in OPEN_WRITERS[1:]:  # those that an attack lost; the first is the healthy client's
        writer.transport.abort()
    del OPEN_WRITERS[1:]


@pytest.mark.parametrize(
    "total",
    [
        pytest.param(1_500, marks=pytest.mark.slow("5 s: connections by the thousand")),
        pytest.param(20_000, marks=[pytest.mark.soak, pytest.mark.timeout(600)]),
    ],
)
async def test_connecting_and_disconnecting_leaves_nothing_behind(
    server: Running, figures: Callable[[str], None], total: int
) -> None:
    async def visit(number: int) -> None:
        if number % 20 == 0:
            polls = await PollingClient(server.port, "/socket.io/").handshake()
            await polls.post_packets("40")
            await polls.receive_packets(2)
            assert (await polls.post_packets("1"))[0] == 200
            return
        client = await WebSocketClient(server.port).handshake("/socket.io/")
        client.send_text("40")
        for _ in range(3):
            await client.receive()
        if number % 3 == 0:
            client.writer.transport.abort()
            return
        client.send_text("1")
        await client.receive_until_close()
        client.close()
        await client.writer.wait_closed()

    async def visits(count: int) -> None:
        for first in range(0, count, AT_ONCE):
            await asyncio.gather(*(visit(first + each) for each in range(AT_ONCE)))
            OPEN_WRITERS.clear()
        await until(lambda: not server.sio.eio.websockets)
        gc.collect()

    await visits(1000)
    await _settled(server, Usage(10**9, 10**9, 0, 0, 0))
    before, objects, resident = Usage.of(server), len(gc.get_objects()), _resident_mb()
    began = time.monotonic()
    await visits(total)
    seconds = time.monotonic() - began
    await _settled(server, before)
    gc.collect()
    more, grown = len(gc.get_objects()) - objects, _resident_mb() - resident

    figures(
        f"{total} visits in {seconds:.1f} s; tasks, descriptors, sessions, timers and connections {before} "
        f"as before; {more:+} objects, resident {grown:+.1f} MB"
    )
    assert not server.sio.environ
    assert not server.sio.manager._room_members
    assert not len(server.sio.eio.ip_limits.shares)
    assert more < 2000
    assert grown < SPARE_MB / 2
