"""The order of waiting CONNECTs, their bounds, and what stops them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from hubbub.core import clock, metrics
from hubbub.core.auth_tokens import AccessClaims
from hubbub.realtime.engine.timers import Timers
from hubbub.realtime.socketio import connect_queue
from hubbub.realtime.socketio.connect_queue import AdmissionLimits, ConnectQueue, WaitingConnect
from hubbub.realtime.socketio.connect_request import ConnectRequest
from tests.support.waiting import until

ALWAYS = datetime(2100, 1, 1, tzinfo=UTC)


class Gate:
    """A queue and its accepted connects."""

    def __init__(self, per_s: int = 10, per_user: int = 20, wait_s: float = 60.0) -> None:
        self.up = True
        self.timers = Timers()
        self.accepted: list[WaitingConnect] = []
        self.closed: list[WaitingConnect] = []
        limits = AdmissionLimits(per_s, per_user, lambda: self.up, wait_s)
        self.queue = ConnectQueue(limits, self.timers, self.accepted.append, self.closed.append)
        self.wait_s = wait_s

    def wait(self, session: UUID | None = None, user: UUID | None = None, cursors: int = 0) -> WaitingConnect:
        """One CONNECT that has to wait."""
        claims = AccessClaims(user or uuid4(), session or uuid4(), ALWAYS)
        request = ConnectRequest(claims, None, {uuid4(): seq for seq in range(cursors)})
        entry = WaitingConnect(None, request, clock.monotonic() + self.wait_s)  # type: ignore[arg-type]  # not read by the queue
        self.queue.enqueue(entry)
        return entry


@pytest.fixture
async def gates() -> AsyncIterator[list[Gate]]:
    """Gates to be closed."""
    made: list[Gate] = []
    yield made
    for gate in made:
        gate.timers.close()


def test_a_connect_passes_at_once_while_slots_are_free(gates: list[Gate]) -> None:
    gate = Gate(per_s=20)

    assert [gate.queue.acquire() for _ in range(4)] == [True, True, False, False]


async def test_connects_in_progress_are_limited(gates: list[Gate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_queue, "MAX_IN_PROGRESS", 3)
    gates.append(gate := Gate(per_s=100_000))
    assert [gate.queue.acquire() for _ in range(5)] == [True, True, True, False, False]
    entries = [gate.wait() for _ in range(5)]
    turns = 0

    gate.queue.release()
    gate.queue.release()
    await until(lambda: len(gate.accepted) == 2)
    while turns < 20:
        await asyncio.sleep(0)
        turns += 1
    assert gate.accepted == entries[:2], "more were admitted than had finished"
    for _ in range(3):
        gate.queue.release()
    await until(lambda: len(gate.accepted) == 5)
    for _ in range(3):
        gate.queue.release()

    assert gate.accepted == entries
    assert gate.queue.acquire()


async def test_a_run_of_the_queue_is_limited_in_time(
    gates: list[Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    gates.append(gate := Gate(per_s=100_000))
    assert gate.queue.acquire()
    now = clock.monotonic()
    monkeypatch.setattr(gate.queue, "_in_progress", connect_queue.MAX_IN_PROGRESS)
    entries = [gate.wait() for _ in range(6)]
    gate.queue._in_progress = 1
    runs: list[int] = []
    run = gate.queue._run

    def counted() -> None:
        before = len(gate.accepted)
        run()
        runs.append(len(gate.accepted) - before)

    def admit(entry: WaitingConnect) -> None:
        nonlocal now
        now += connect_queue.RUN_BUDGET_S * 0.6  # two exceed it, however the sum is rounded
        gate.accepted.append(entry)

    monkeypatch.setattr(gate.queue, "_run", counted)
    monkeypatch.setattr(gate.queue, "_admit", admit)
    monkeypatch.setattr("hubbub.core.clock.monotonic", lambda: now)
    gate.queue.release()
    gate.queue._run()
    await until(lambda: len(gate.accepted) == 6)

    assert gate.accepted == entries
    assert max(runs) == 2


async def test_connects_are_accepted_in_the_order_of_their_sessions_first_requests(
    gates: list[Gate],
) -> None:
    gates.append(gate := Gate(per_s=10))
    assert gate.queue.acquire()
    early = uuid4()
    first = gate.wait(early)
    second = gate.wait()
    gate.queue.discard(first)

    again = gate.wait(early)
    third = gate.wait()
    await until(lambda: len(gate.accepted) == 3)

    assert gate.accepted == [again, second, third]
    assert not len(gate.queue)


@pytest.mark.parametrize(("kept_s", "expected"), [(30.0, [1, 0]), (0.0, [0, 1])])
async def test_a_position_is_kept_for_a_while(
    gates: list[Gate], monkeypatch: pytest.MonkeyPatch, kept_s: float, expected: list[int]
) -> None:
    monkeypatch.setattr(connect_queue, "PLACE_TTL_S", kept_s)
    gates.append(gate := Gate(per_s=10))
    gate.queue.acquire()
    session = uuid4()
    left = gate.wait(session)
    gate.queue.discard(left)
    entries = [gate.wait(), gate.wait(session)]

    await until(lambda: len(gate.accepted) == 2)

    assert [entries.index(entry) for entry in gate.accepted] == expected


async def test_a_position_is_used_once(gates: list[Gate]) -> None:
    """A session with many sockets would be first for ever."""
    gates.append(gate := Gate(per_s=10))
    gate.queue.acquire()
    session = uuid4()
    gate.queue.discard(gate.wait(session))
    other = gate.wait()
    entries = [gate.wait(session) for _ in range(3)]

    await until(lambda: len(gate.accepted) == 4)

    assert gate.accepted == [entries[0], other, *entries[1:]]


async def test_waiting_connects_of_a_user_are_limited(gates: list[Gate]) -> None:
    gates.append(gate := Gate(per_user=3))
    gate.queue.acquire()
    user = uuid4()

    entries = [gate.wait(user=user) for _ in range(5)]

    assert gate.closed == entries[:2]
    assert len(gate.queue) == 3


@pytest.mark.parametrize(
    ("bound", "value", "cursors"), [("MAX_QUEUE_ENTRIES", 3, 0), ("MAX_QUEUE_BYTES", 40_000, 500)]
)
async def test_number_and_memory_are_bounded(
    gates: list[Gate], monkeypatch: pytest.MonkeyPatch, bound: str, value: int, cursors: int
) -> None:
    monkeypatch.setattr(connect_queue, bound, value)
    gates.append(gate := Gate())
    gate.queue.acquire()

    entries = [gate.wait(cursors=cursors) for _ in range(5)]

    assert len(gate.queue) == 3
    assert gate.closed == entries[3:]


async def test_a_connect_that_waits_too_long_is_closed(gates: list[Gate]) -> None:
    gates.append(gate := Gate(per_s=1, wait_s=0.05))
    gate.queue.acquire()

    entries = [gate.wait() for _ in range(3)]
    await until(lambda: len(gate.closed) == 3)

    assert gate.closed == entries
    assert not gate.accepted
    assert (len(gate.queue), gate.queue._waiting_bytes, gate.queue._by_user) == (0, 0, {})


async def test_one_connect_at_a_time_tests_an_unavailable_store(
    gates: list[Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_queue, "PROBE_INTERVAL_S", 0.02)
    gates.append(gate := Gate(per_s=1000))
    gate.up = False
    entries = [gate.wait() for _ in range(20)]
    await until(lambda: gate.queue._suspended)
    assert not gate.accepted

    gate.up = True
    for attempt in range(1, 4):
        await until(lambda count=attempt: len(gate.accepted) == count)  # type: ignore[misc]
        gate.queue.on_connect_finished(available=False)
        gate.queue.enqueue(gate.accepted[-1])
    await until(lambda: len(gate.accepted) == 4)
    gate.queue.on_connect_finished(available=True)
    await until(lambda: not len(gate.queue))

    assert {*gate.accepted} == {*entries}
    assert len(gate.accepted) == 20 + 3, "three attempts were for nothing"


async def test_a_connect_that_is_decided_at_once_ends_the_outage(
    gates: list[Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A CONNECT of a user that the instance knows is decided before its admission returns."""
    monkeypatch.setattr(connect_queue, "PROBE_INTERVAL_S", 0.02)
    gates.append(gate := Gate(per_s=1000))

    def admit(entry: WaitingConnect) -> None:
        gate.accepted.append(entry)
        gate.queue.on_connect_finished(available=True)
        gate.queue.release()

    monkeypatch.setattr(gate.queue, "_admit", admit)
    gate.up = False
    entries = [gate.wait() for _ in range(5)]
    await until(lambda: gate.queue._suspended)

    gate.up = True
    await until(lambda: not len(gate.queue))

    assert gate.accepted == entries


async def test_a_drain_closes_all_waiting_and_new_connects(gates: list[Gate]) -> None:
    gates.append(gate := Gate())
    gate.queue.acquire()
    entries = [gate.wait() for _ in range(3)]

    gate.queue.drain()
    late = gate.wait()

    assert gate.closed == [*entries, late]
    assert not gate.queue.acquire()


async def test_a_disconnected_client_is_removed(gates: list[Gate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect_queue, "MAX_SAVED_PLACES", 50)
    monkeypatch.setattr(connect_queue, "MAX_REMOVED_ENTRIES", 50)
    gates.append(gate := Gate(per_s=1))
    gate.queue.acquire()

    for _ in range(500):
        gate.queue.discard(gate.wait())

    assert len(gate.queue._places) <= 50
    assert len(gate.queue._heap) <= 51
    assert (len(gate.queue), gate.queue._waiting_bytes) == (0, 0)


async def test_the_reasons_are_counted(gates: list[Gate]) -> None:
    counted = metrics.labelled["connects_removed"]
    before = dict(counted)
    gates.append(gate := Gate(per_s=1, wait_s=0.02))
    gate.queue.acquire()
    gate.wait()
    await until(lambda: len(gate.closed) == 1)
    gate.queue.drain()
    gate.wait()

    assert counted["expired"] - before.get("expired", 0) == 1
    assert counted["draining"] - before.get("draining", 0) == 1
    assert metrics.gauges["connects_waiting"]() == 0
