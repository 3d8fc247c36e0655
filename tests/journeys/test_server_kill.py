"""The server is killed repeatedly during a conversation: no acknowledged message is lost (G1, G2, G3)."""

import asyncio
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from uuid import uuid4

import pytest

from hubbub.prove import database as prove_database
from tests.journeys.device import ChangeNotifier, Device, register
from tests.support.client_model import Json
from tests.support.server_process import ServerProcess

KILLS = (2, 3)  # as many as time allows, at least and at most
ENOUGH_S = 15.0
BETWEEN = (60, 160)  # events between two kills, at random
WRITERS = 3  # of each client: as many of its messages are in flight at once
TRANSPORTS = (("websocket",), ("polling",), ("websocket",), ("polling", "websocket"), ("websocket",))


class Conversation:
    """Clients that send to rooms until they are stopped."""

    def __init__(self, devices: list[Device], rooms: list[str], chance: random.Random) -> None:
        self.devices = devices
        self.rooms = rooms
        self.acked: dict[str, Json] = {}
        self.sent: dict[str, tuple[str, str, str]] = {}
        self.enough = asyncio.Event()
        self._chance = chance
        self._writers = [asyncio.create_task(self._write(each)) for each in devices for _ in range(WRITERS)]

    async def _write(self, device: Device) -> None:
        while not self.enough.is_set():
            client_id, room_id = str(uuid4()), self._chance.choice(self.rooms)
            body = f"{device.name} says {len(self.sent)} 🐝"
            self.sent[client_id] = (device.me, room_id, body)
            self.acked[client_id] = await device.send(room_id, body, client_id)

    async def end(self) -> None:
        """Finish: every sent message is acknowledged."""
        self.enough.set()
        await asyncio.gather(*self._writers)

    @property
    def moments(self) -> dict[str, int]:
        """Events that a kill may be timed by: sends, acks, received entries."""
        received = sum(sum(device.mirror.cursors().values()) for device in self.devices)
        return {"sent": len(self.sent), "acked": len(self.acked), "heard": received // len(self.devices)}


async def interrupt(
    talk: Conversation, server_process: ServerProcess, notifier: ChangeNotifier, chance: random.Random
) -> float:
    """Kill the server at a random moment and restart it. Returns the ms until all reconnected."""
    moment = chance.choice(sorted(talk.moments))
    goal = talk.moments[moment] + chance.randint(*BETWEEN)
    await notifier.until(lambda: talk.moments[moment] >= goal, f"{goal} {moment}")
    await server_process.kill()
    killed = time.monotonic()
    await notifier.until(lambda: not any(device.up.is_set() for device in talk.devices), "everybody notices")
    acked = len(talk.acked)
    await server_process.start()
    await notifier.until(lambda: all(device.up.is_set() for device in talk.devices), "everybody is back")
    await notifier.until(lambda: len(talk.acked) > acked, "a message is acknowledged again")
    return (time.monotonic() - killed) * 1000


class Stored(NamedTuple):
    """What is in the database: messages by (sender, client_id), and the log of each room."""

    messages: dict[tuple[str, str], list[tuple[str, str, int, str]]]
    logs: dict[str, list[tuple[int, str, Json]]]


async def stored(database_url: str) -> Stored:
    """Read with plain SQL what is stored, as `hubbub prove` does."""
    state = await prove_database.read_stored(database_url)
    found = Stored({}, {})
    for row in state.messages:
        rest = (row.id, row.room_id, row.seq, row.body)
        found.messages.setdefault((row.sender_id, row.client_id), []).append(rest)
    for entry in state.entries:
        found.logs.setdefault(entry.room_id, []).append((entry.seq, entry.event, json.loads(entry.payload)))
    return found


@pytest.mark.slow("7 s: instances are killed and started again and again")
async def test_acknowledged_messages_survive_kill_9(
    server_process: ServerProcess, notifier: ChangeNotifier, database_url: str, figures: Callable[[str], None]
) -> None:
    seed = int(os.environ.get("HUBBUB_TEST_SEED", "9"))
    chance = random.Random(seed)
    users = [await register(server_process.url, f"talker{index}") for index in range(4)]
    devices = [
        Device(server_process.url, users[index % 4], notifier, transports)
        for index, transports in enumerate(TRANSPORTS)
    ]
    began = time.monotonic()
    try:
        for device in devices:
            await device.connect()
        everybody = [user["user"]["id"] for user in users]
        rooms = [await devices[0].create(kind="private", member_ids=everybody) for _ in range(3)]
        talk = Conversation(devices, rooms, chance)
        recovered: list[float] = []
        while len(recovered) < KILLS[0] or (
            len(recovered) < KILLS[1] and time.monotonic() - began < ENOUGH_S
        ):
            recovered.append(await interrupt(talk, server_process, notifier, chance))
        await talk.end()
        total = len(talk.sent) + len(rooms) * len(users)
        await notifier.until(
            lambda: all(
                sum(device.mirror.cursors().values()) == total and set(device.mirror.rooms) == set(rooms)
                for device in devices
            ),
            "everybody has everything",
        )
    finally:
        for device in devices:
            await device.close()
    assert await server_process.stop() == 0
    assert server_process.error_lines() == []
    found = await stored(database_url)

    # Every acknowledged message is stored exactly once, as it was acknowledged, and nothing else is.
    assert set(talk.acked) == set(talk.sent)
    assert {client_id for _, client_id in found.messages} == set(talk.sent)
    for client_id, (sender, room_id, body) in talk.sent.items():
        message = talk.acked[client_id]
        assert (message["room_id"], message["body"], message["client_id"]) == (room_id, body, client_id)
        assert found.messages[sender, client_id] == [(message["id"], room_id, message["seq"], body)]
    # Every log goes 1, 2, 3 … and every client received it, entry by entry, despite disconnections.
    for room_id in rooms:
        log = found.logs[room_id]
        assert [seq for seq, _, _ in log] == list(range(1, len(log) + 1))
        announced = Counter(payload["message"]["id"] for _, event, payload in log if event == "message:new")
        assert set(announced.values()) == {1}
        for device in devices:
            assert device.mirror.rooms[room_id].log == [(event, payload) for _, event, payload in log]
    for message in talk.acked.values():
        log = found.logs[message["room_id"]]
        assert log[message["seq"] - 1][2]["message"] == message
    assert {device.name: device.violations for device in devices if device.violations} == {}
    assert [device.mirror.resets for device in devices] == [0] * len(devices)
    figures(
        f"seed {seed}: {len(talk.sent)} sent, {len(talk.acked)} acknowledged, {len(recovered)} kills, "
        f"{sum(device.ready_count for device in devices)} connections, everybody back and answered after "
        f"{', '.join(f'{ms:.0f}' for ms in recovered)} ms, {time.monotonic() - began:.1f} s in all"
    )
