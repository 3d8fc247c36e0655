"""Queued events are counted, bounded and kept as text. At the bound the client is not read."""

import asyncio
import json
from typing import Any

import pytest

from hubbub.ratelimit.single_key import SingleKeyLimiter
from hubbub.realtime.socketio.backlog import MAX_WAITING_BYTES, MAX_WAITING_EVENTS, Backlog
from hubbub.schemas.base import Command, View
from hubbub.services.context import Context
from tests.realtime.conftest import OPEN_WRITERS, WebSocketClient
from tests.support.live_instance import LiveInstance
from tests.support.waiting import until


class Reading:
    """Counts the calls of a backlog to the transport."""

    def __init__(self) -> None:
        self.holds = 0

    def pause(self) -> None:
        self.holds += 1

    def resume(self) -> None:
        self.holds -= 1


@pytest.mark.parametrize(
    ("size", "most"), [(0, MAX_WAITING_EVENTS), (MAX_WAITING_BYTES // 4, 4), (MAX_WAITING_BYTES * 2, 1)]
)
def test_reading_stops_at_the_first_of_two_bounds(size: int, most: int) -> None:
    reading = Reading()
    backlog = Backlog(reading)

    held = []
    for _ in range(most + 2):
        backlog.add(size)
        held.append(reading.holds)

    assert held == [0] * (most - 1) + [1] * 3


@pytest.mark.parametrize("size", [0, MAX_WAITING_BYTES // 4, MAX_WAITING_BYTES * 2])
def test_reading_resumes_after_enough_acks(size: int) -> None:
    reading = Reading()
    backlog = Backlog(reading)
    for _ in range(MAX_WAITING_EVENTS):
        backlog.add(size)

    for _ in range(MAX_WAITING_EVENTS):
        backlog.remove(size)

    assert (backlog.waiting_events, backlog.waiting_bytes, reading.holds) == (0, 0, 0)


def test_a_client_that_leaves_its_namespace_is_read_again() -> None:
    reading = Reading()
    backlog = Backlog(reading)
    for _ in range(MAX_WAITING_EVENTS):
        backlog.add(1)

    backlog.close()
    backlog.remove(1)

    assert reading.holds == 0


# --- the same by a socket ---


class Wait(Command, frozen=True):
    """A command of these tests."""


@pytest.fixture
def released() -> asyncio.Event:
    """What the event `wait` waits for."""
    return asyncio.Event()


async def connected(instance: LiveInstance, released: asyncio.Event) -> WebSocketClient:
    """A raw socket of ada's, on an instance with an event that takes its time; limits of events are off."""

    async def wait(_: Context, __: Wait) -> View:
        await released.wait()
        return View()

    instance.app.chat._dispatcher._events.add("wait", Wait, wait)
    ada = await instance.register("ada")
    client = await WebSocketClient(instance.app.port).handshake("/socket.io/")
    client.send_text("40/chat," + json.dumps({"token": ada.token}))
    while "ready" not in await client.receive():
        pass
    for connection in instance.app.chat.connections.by_sid.values():
        connection.event_limiter = SingleKeyLimiter(None)
    return client


def kept(instance: LiveInstance) -> list[Any]:
    """The texts of the events that wait."""
    (connection,) = instance.app.chat.connections.by_sid.values()
    steps: list[Any] = [step for step, _ in connection._steps or ()]
    return [step.args[0].call.text for step in steps]


async def acks(client: WebSocketClient, count: int) -> list[str]:
    """Return the next acks. Other packets are skipped."""
    found: list[str] = []
    while len(found) < count:
        received = await client.receive()
        found += [received] if received.startswith("43") else []
    return found


@pytest.fixture
async def unlimited_instance(settings: Any) -> Any:
    """An instance without limits of events."""
    async with LiveInstance(settings.model_copy(update={"limit_events": None})) as made:
        yield made
        while OPEN_WRITERS:
            OPEN_WRITERS.pop().close()


SHAPES = {
    "arrays": "[" + ",".join(["[]"] * 10_000) + "]",
    "objects": "[" + ",".join(['{"a":{}}'] * 4_000) + "]",
    "numbers": "[" + ",".join(["1.5"] * 8_000) + "]",
    "text": json.dumps("x" * 30_000),
    "escapes": '"' + "\\u00e9" * 5_000 + '"',
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_queued_events_are_kept_as_text_and_bounded(
    unlimited_instance: LiveInstance, released: asyncio.Event, shape: str
) -> None:
    client = await connected(unlimited_instance, released)
    client.send_text('42/chat,1["wait",{}]')
    asked = 40
    for number in range(asked):
        client.send_text(f'42/chat,{number + 10}["room:list",{{"limit":1,"x":{shape}}}]')
    (session,) = unlimited_instance.app.sio.eio.sockets.values()
    await until(lambda: session.paused)

    texts = kept(unlimited_instance)
    assert sum(map(len, texts)) <= MAX_WAITING_BYTES + len(shape) + 100
    assert {type(text) for text in texts} == {bytes}
    released.set()

    answers = await acks(client, asked + 1)
    assert answers[0] == '43/chat,1[{"ok":true,"data":{}}]'
    assert [each.split("[")[0] for each in answers[1:]] == [f"43/chat,{n + 10}" for n in range(asked)]
    assert all('"ok":true' in each for each in answers)
    assert not session.paused


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_many_small_queued_events_are_acknowledged_in_order(
    unlimited_instance: LiveInstance, released: asyncio.Event
) -> None:
    client = await connected(unlimited_instance, released)
    client.send_text('42/chat,1["wait",{}]')
    asked = 2 * MAX_WAITING_EVENTS
    for number in range(asked):
        client.send_text(f'42/chat,{number + 10}["typing:stop",{{"room_id":"x"}}]')
    (session,) = unlimited_instance.app.sio.eio.sockets.values()
    await until(lambda: session.paused)
    released.set()

    answers = await acks(client, asked + 1)

    assert [each.split("[")[0] for each in answers[1:]] == [f"43/chat,{n + 10}" for n in range(asked)]
    assert all("invalid_payload" in each for each in answers[1:])


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
async def test_a_closed_namespace_leaves_the_client_readable(
    unlimited_instance: LiveInstance, released: asyncio.Event
) -> None:
    client = await connected(unlimited_instance, released)
    client.send_text('42/chat,1["wait",{}]')
    for _ in range(MAX_WAITING_EVENTS):
        client.send_text('42/chat,["typing:stop",{}]')
    (session,) = unlimited_instance.app.sio.eio.sockets.values()
    await until(lambda: session.paused)

    (connection,) = unlimited_instance.app.chat.connections.by_sid.values()
    connection.client.end_namespace()
    released.set()

    assert not session.paused
    assert (await client.receive_until_close())[-1] == "41/chat,"
