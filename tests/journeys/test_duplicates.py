"""Concurrent sends of the same message from everywhere: one message, one order (G2, G3, G4)."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.journeys.conftest import UNLIMITED
from tests.journeys.device import ChangeNotifier, Device, register
from tests.support.client_model import Json
from tests.support.server_process import ServerProcess

TWINS = 20
SENDERS = 12
EACH = 15


async def caught_up(notifier: ChangeNotifier, devices: list[Device], room_id: str, count: int) -> None:
    """Wait until each of them has `count` messages of a room."""

    def has_all(device: Device) -> bool:
        room = device.mirror.rooms.get(room_id)
        return room is not None and len(room.messages) >= count and not room.is_behind

    await notifier.until(lambda: all(has_all(device) for device in devices), f"{count} messages everywhere")


async def test_one_client_id_sent_twenty_times_at_once_is_one_message(instance, notifier, devices) -> None:
    ada, bob = [await register(instance.url, name) for name in ("ada", "bob")]
    phone, tablet = await devices(instance.url, ada), await devices(instance.url, ada, "polling")
    other = await devices(instance.url, bob)
    room_id = await phone.create(kind="private", member_ids=[bob["user"]["id"]])
    await caught_up(notifier, [tablet, other], room_id, 0)
    client_id = str(uuid4())

    async def send(device: Device) -> Json:
        return await device.call("message:send", room_id=room_id, client_id=client_id, body="once")

    answers = await asyncio.gather(*(send((phone, tablet)[index % 2]) for index in range(TWINS)))
    last = await phone.send(room_id, "and on")

    assert all(answer == answers[0] for answer in answers)
    assert last["seq"] == answers[0]["message"]["seq"] + 1
    await caught_up(notifier, [phone, tablet, other], room_id, 2)
    for device in (phone, tablet, other):
        sent = [
            payload["message"]
            for event, payload in device.mirror.rooms[room_id].log
            if event == "message:new"
        ]
        assert sent == [answers[0]["message"], last]


async def test_many_senders_in_one_room_have_one_order(instance, notifier, devices, figures) -> None:
    users = [await register(instance.url, f"person{index}") for index in range(SENDERS)]
    crowd = [
        await devices(instance.url, user, "polling" if index % 4 == 3 else "websocket")
        for index, user in enumerate(users)
    ]
    room_id = await crowd[0].create(kind="private", member_ids=[user["user"]["id"] for user in users])
    await caught_up(notifier, crowd, room_id, 0)
    began = time.monotonic()

    sent = await asyncio.gather(
        *(each.send(room_id, f"{each.name} {index}") for each in crowd for index in range(EACH))
    )
    await caught_up(notifier, crowd, room_id, len(sent))

    figures(f"{len(sent)} messages of {SENDERS} senders heard by all after {time.monotonic() - began:.2f} s")
    first = len(users) + 1  # after all joins
    assert sorted(message["seq"] for message in sent) == list(range(first, first + len(sent)))
    for device in crowd:
        assert device.mirror.rooms[room_id].log == crowd[0].mirror.rooms[room_id].log
        assert device.mirror.rooms[room_id].cursor == first + len(sent) - 1


# --- two instances on one database, without anything else between them ---


@pytest.fixture
async def second_process(
    server_process: ServerProcess, database_url: str, tmp_path: Path
) -> AsyncIterator[ServerProcess]:
    """One more instance on the database of `server_process`. Both use the secret in the folder."""
    async with ServerProcess(tmp_path, database_url=database_url, default_rooms="", **UNLIMITED) as process:
        yield process


@pytest.mark.slow("7 s: without notifications, entries are found by a check each second, five times")
@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_entries_of_one_instance_reach_clients_of_the_others(
    server_process, second_process, notifier, devices, figures
) -> None:
    ada, bob = [await register(server_process.url, name) for name in ("ada", "bob")]
    here = await devices(server_process.url, ada)
    room_id = await here.create(kind="private", member_ids=[bob["user"]["id"]])
    there = await devices(second_process.url, bob)
    late: list[float] = []

    for index in range(5):
        sent = [await here.send(room_id, f"{index} {part}") for part in range(4)]
        began = time.monotonic()
        await caught_up(notifier, [here, there], room_id, 8 * index + len(sent))
        late.append(time.monotonic() - began)
        await asyncio.gather(*(device.send(room_id, f"{index} at once") for device in (here, there) * 2))
        await caught_up(notifier, [here, there], room_id, 8 * (index + 1))

    figures(f"heard on the other instance after {', '.join(f'{seconds:.2f}' for seconds in late)} s")
    assert there.mirror.rooms[room_id].log == here.mirror.rooms[room_id].log
    assert max(late) < 3  # a check a second, on a machine that may be busy
    assert there.ready_count == here.ready_count == 1


@pytest.mark.parametrize("database_kind", ["postgres"], indirect=True)
async def test_duplicates_on_two_instances_are_one_message(
    server_process, second_process, notifier, devices
) -> None:
    ada = await register(server_process.url, "ada")
    here = await devices(server_process.url, ada)
    room_id = await here.create(kind="private")
    there = await devices(second_process.url, ada)

    for _ in range(10):
        client_id = str(uuid4())
        answers = await asyncio.gather(
            *(
                device.call("message:send", room_id=room_id, client_id=client_id, body="once")
                for device in (here, there)
                for _ in range(3)
            )
        )
        assert all(answer == answers[0] for answer in answers)

    await caught_up(notifier, [here, there], room_id, 10)
    assert [len(device.mirror.rooms[room_id].messages) for device in (here, there)] == [10, 10]
