"""The history goes back under a running instance: what its clients have is of no use any more."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.db import database
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause
from tests.support.history import lose_tail, raises
from tests.support.waiting import until
from tests.support.world import World


async def _room_of(world: World, messages: int) -> tuple:
    """Ada and bob in a room, with so many messages that both have got."""
    room_id, clients = await world.talk("ada", "bob")
    for number in range(messages):
        await clients[0].send(room_id, f"message {number}")
    for client in clients:
        await client.next("message:new", lambda it: it["message"]["body"] == f"message {messages - 1}")
    return room_id, clients


async def _log(client, room_id: str) -> list:
    """The room's log as a client loads it that knows nothing."""
    answer = await client.call("sync", epoch=client.ready["epoch"], rooms={room_id: 0})
    return list(answer["rooms"][room_id]["entries"])


async def test_a_lost_tail_closes_the_sockets_which_come_back_to_another_epoch(world: World) -> None:
    room_id, (ada, bob) = await _room_of(world, 4)
    old = bob.ready["epoch"]

    await lose_tail(room_id, 4)
    closings = [await client.next("closing") for client in (ada, bob)]
    back = await world.people["bob"].client(epoch=old, cursors={room_id: 6})
    answer = await back.call("sync", epoch=old, rooms={room_id: 6})

    assert {closing["code"] for closing in closings} == {"draining"}
    assert back.ready["epoch"] == answer["epoch"] != old
    assert {room["id"] for room in back.ready["rooms"]} >= {room_id}
    assert answer["rooms"][room_id] == {"reset": True, "last_seq": 4}
    assert await raises() == [("positions", None)]
    assert [entry["payload"]["seq"] for entry in await _log(back, room_id)] == [1, 2, 3, 4]


async def test_entries_that_take_the_place_of_lost_ones_reach_who_comes_back(world: World) -> None:
    room_id, (ada, bob) = await _room_of(world, 3)
    old = bob.ready["epoch"]
    await lose_tail(room_id, 3)
    await ada.next("closing")

    ada = await world.device_of("ada")
    sent = [await ada.send(room_id, f"instead {number}") for number in range(4)]
    back = await world.people["bob"].client(epoch=old, cursors={room_id: 5})
    heard = await ada.send(room_id, "the last one")
    await back.next("message:new", lambda it: it["seq"] == heard["seq"])

    assert [message["seq"] for message in sent] == [4, 5, 6, 7]
    bodies = [entry["payload"].get("message", {}).get("body") for entry in await _log(back, room_id)]
    assert bodies[3:] == ["instead 0", "instead 1", "instead 2", "instead 3", "the last one"]


async def test_a_message_is_not_stored_in_place_of_a_known_one_in_the_same_epoch(world: World) -> None:
    room_id, (ada, _) = await _room_of(world, 3)
    old = ada.ready["epoch"]

    await lose_tail(room_id, 3)
    sent = await ada.send(room_id, "at once")

    assert (sent["seq"], world.app.parts.epochs.value != old) == (4, True)
    assert await raises() == [("positions", None)]


async def test_another_change_is_refused_until_the_epoch_is_raised(world: World) -> None:
    room_id, (ada, _) = await _room_of(world, 3)
    first = (await ada.call("message:history", room_id=room_id))["messages"][0]
    old = ada.ready["epoch"]

    await lose_tail(room_id, 3)
    answer = await ada.ask("message:edit", message_id=first["id"], body="changed")

    assert answer["error"]["code"] == "unavailable"
    await until(lambda: world.app.parts.epochs.value != old)
    back = await world.device_of("ada")
    edited = await back.call("message:edit", message_id=first["id"], body="changed")
    assert edited["message"]["body"] == "changed"


async def test_what_was_acknowledged_over_rest_counts_too(world: World) -> None:
    ada = await world.person("ada")
    _, made = await ada.rest("POST", "/rooms", json={"kind": "private", "name": "a"})
    room_id = made["data"]["id"]
    old = world.app.parts.epochs.value
    for _ in range(3):
        body = {"client_id": str(uuid4()), "body": "hello"}
        status, _ = await ada.rest("POST", f"/rooms/{room_id}/messages", json=body)
        assert status == 201

    await lose_tail(room_id, 3)

    await until(lambda: world.app.parts.epochs.value != old)


async def test_the_database_is_compared_when_it_is_available_again(world: World) -> None:
    room_id, (ada, _) = await _room_of(world, 2)
    await world.app.parts.epochs.close()
    await world.app.chat.delivery.close()

    await lose_tail(room_id, 3)
    database.suspect("a test")

    assert (await ada.next("closing"))["code"] == "draining"


async def test_an_epoch_that_a_command_raised_closes_the_sockets(world: World) -> None:
    room_id, (ada, bob) = await _room_of(world, 1)
    old = ada.ready["epoch"]

    await epochs.raise_from(old, Cause.COMMAND)
    for client in (ada, bob):
        assert (await client.next("closing"))["code"] == "draining"
    back = await world.device_of("ada")
    await (await world.device_of("bob")).send(room_id, "hello again")

    assert (await back.next("message:new"))["message"]["body"] == "hello again"
    assert back.ready["epoch"] == world.app.parts.epochs.value != old


async def test_a_raise_for_a_claim_disturbs_nobody(world: World) -> None:
    room_id, (ada, bob) = await _room_of(world, 1)
    old = ada.ready["epoch"]

    await epochs.raise_from(old, Cause.CLAIM)
    sent = [await ada.send(room_id, f"now {number}") for number in range(3)]
    await until(lambda: world.app.parts.epochs.value != old)
    sent += [await bob.send(room_id, f"then {number}") for number in range(3)]
    for client in (ada, bob):
        await client.next("message:new", lambda it: it["seq"] == sent[-1]["seq"])

    assert [it["seq"] for _, it in bob.entries(room_id)][-7:] == [sent[0]["seq"] - 1 + n for n in range(7)]
    assert (ada.count("closing"), bob.count("closing")) == (0, 0)
    assert (await world.device_of("ada")).ready["epoch"] == world.app.parts.epochs.value


async def test_who_is_no_member_in_the_restored_history_stores_nothing(world: World) -> None:
    room_id, (_, bob) = await _room_of(world, 1)

    async with database.transaction() as tx:
        await models.Membership.filter(room_id=room_id, user_id=bob.ready["user"]["id"]).delete()
        await epochs.replace(tx, bob.ready["epoch"], epochs.after(bob.ready["epoch"]), Cause.RESTORE, {})
    answer = await bob.ask("message:send", room_id=room_id, client_id=str(uuid4()), body="still here")

    assert answer["error"]["code"] == "not_a_member"


async def test_a_batch_that_meets_another_epoch_is_stored_once_and_without_a_gap(world: World) -> None:
    room_id, (ada, bob) = await _room_of(world, 1)
    old = ada.ready["epoch"]
    messages = [(client, str(uuid4())) for client in (ada, bob) for _ in range(10)]

    async def send(client, client_id):
        return await client.ask("message:send", room_id=room_id, client_id=client_id, body=client_id)

    sending = asyncio.gather(*(send(*each) for each in messages))
    await epochs.raise_from(old, Cause.CLAIM)
    answers = await sending

    rows = await models.Message.filter(room_id=room_id, body__in=[each for _, each in messages])
    assert all(answer["ok"] for answer in answers)
    assert sorted(row.seq for row in rows) == list(range(4, 24))
    assert sorted(answer["data"]["message"]["seq"] for answer in answers) == list(range(4, 24))


@pytest.mark.parametrize(
    ("where", "ahead", "epoch", "counts"),
    [
        ("connect", 1, "own", True),
        ("sync", 1_000_000, "own", True),
        ("sync", 1_000_001, "own", False),
        ("sync", 1, "another", False),
    ],
)
async def test_a_client_that_is_ahead_is_reset_and_raises_the_epoch(
    world: World, where, ahead, epoch, counts
) -> None:
    room_id, (ada, bob) = await _room_of(world, 1)
    old = ada.ready["epoch"]
    cursors = {room_id: 3 + ahead}
    known = old if epoch == "own" else "another"

    if where == "connect":
        bob = await world.people["bob"].client(epoch=known, cursors=cursors)
    answer = await bob.call("sync", epoch=known, rooms=cursors)
    await world.app.parts.epochs.check()

    assert answer["rooms"][room_id]["reset"] is True
    assert (world.app.parts.epochs.value != old) is counts
    assert await raises() == [("claim", UUID(world.people["bob"].id))] * counts
    assert (ada.count("closing"), bob.count("closing")) == (0, 0)
