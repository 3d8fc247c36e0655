"""The log loses entries while an instance runs: its clients start again in a new epoch."""

import asyncio
from uuid import UUID, uuid4

import pytest

from hubbub import models
from hubbub.db import database
from hubbub.services.eventlog import epochs
from hubbub.services.eventlog.epochs import Cause
from tests.support.live_instance import LiveInstance
from tests.support.log_rollback import delete_entries_after, epoch_raises
from tests.support.waiting import until


async def _room_of(instance: LiveInstance, messages: int) -> tuple:
    """Ada and bob in a room, with so many messages that both have got."""
    room_id, clients = await instance.room_with_clients("ada", "bob")
    for number in range(messages):
        await clients[0].send(room_id, f"message {number}")
    for client in clients:
        await client.next_event("message:new", lambda it: it["message"]["body"] == f"message {messages - 1}")
    return room_id, clients


async def _log(client, room_id: str) -> list:
    """Return the room's log as a client without state loads it."""
    answer = await client.call("sync", epoch=client.ready["epoch"], rooms={room_id: 0})
    return list(answer["rooms"][room_id]["entries"])


async def test_a_lost_tail_closes_the_sockets_which_reconnect_to_another_epoch(
    instance: LiveInstance,
) -> None:
    room_id, (ada, bob) = await _room_of(instance, 4)
    old = bob.ready["epoch"]

    await delete_entries_after(room_id, 4)
    closings = [await client.next_event("closing") for client in (ada, bob)]
    back = await instance.users["bob"].connect_client(epoch=old, cursors={room_id: 6})
    answer = await back.call("sync", epoch=old, rooms={room_id: 6})

    assert {closing["code"] for closing in closings} == {"draining"}
    assert back.ready["epoch"] == answer["epoch"] != old
    assert {room["id"] for room in back.ready["rooms"]} >= {room_id}
    assert answer["rooms"][room_id] == {"reset": True, "last_seq": 4}
    assert await epoch_raises() == [("positions", None)]
    assert [entry["payload"]["seq"] for entry in await _log(back, room_id)] == [1, 2, 3, 4]


async def test_entries_that_replace_lost_ones_reach_reconnecting_clients(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await _room_of(instance, 3)
    old = bob.ready["epoch"]
    await delete_entries_after(room_id, 3)
    await ada.next_event("closing")

    ada = await instance.another_client("ada")
    sent = [await ada.send(room_id, f"instead {number}") for number in range(4)]
    back = await instance.users["bob"].connect_client(epoch=old, cursors={room_id: 5})
    received = await ada.send(room_id, "the last one")
    await back.next_event("message:new", lambda it: it["seq"] == received["seq"])

    assert [message["seq"] for message in sent] == [4, 5, 6, 7]
    bodies = [entry["payload"].get("message", {}).get("body") for entry in await _log(back, room_id)]
    assert bodies[3:] == ["instead 0", "instead 1", "instead 2", "instead 3", "the last one"]


async def test_a_message_does_not_replace_a_known_one_in_the_same_epoch(instance: LiveInstance) -> None:
    room_id, (ada, _) = await _room_of(instance, 3)
    old = ada.ready["epoch"]

    await instance.app.container.epoch_watch.close()  # it is the write that finds the change
    await delete_entries_after(room_id, 3)
    sent = await ada.send(room_id, "at once")

    assert (sent["seq"], instance.app.container.epoch_watch.epoch != old) == (4, True)
    assert await epoch_raises() == [("positions", None)]


async def test_another_change_is_refused_until_the_epoch_is_raised(instance: LiveInstance) -> None:
    room_id, (ada, _) = await _room_of(instance, 3)
    first = (await ada.call("message:history", room_id=room_id))["messages"][0]
    old = ada.ready["epoch"]

    await instance.app.container.epoch_watch.close()  # it is the write that finds the change
    await delete_entries_after(room_id, 3)
    answer = await ada.call_for_ack("message:edit", message_id=first["id"], body="changed")

    assert answer["error"]["code"] == "unavailable"
    await until(lambda: instance.app.container.epoch_watch.epoch != old)
    back = await instance.another_client("ada")
    edited = await back.call("message:edit", message_id=first["id"], body="changed")
    assert edited["message"]["body"] == "changed"


async def test_entries_acknowledged_over_rest_count_too(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    _, made = await ada.rest("POST", "/rooms", json={"kind": "private", "name": "a"})
    room_id = made["data"]["id"]
    old = instance.app.container.epoch_watch.epoch
    for _ in range(3):
        body = {"client_id": str(uuid4()), "body": "hello"}
        status, _ = await ada.rest("POST", f"/rooms/{room_id}/messages", json=body)
        assert status == 201

    await delete_entries_after(room_id, 3)

    await until(lambda: instance.app.container.epoch_watch.epoch != old)


async def test_the_database_is_compared_when_it_is_available_again(instance: LiveInstance) -> None:
    room_id, (ada, _) = await _room_of(instance, 2)
    await instance.app.container.epoch_watch.close()
    await instance.app.chat.delivery.close()

    await delete_entries_after(room_id, 3)
    database.report_failure("a test")

    assert (await ada.next_event("closing"))["code"] == "draining"


async def test_an_epoch_that_a_command_raised_closes_the_sockets(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await _room_of(instance, 1)
    old = ada.ready["epoch"]

    await epochs.raise_epoch(old, Cause.COMMAND)
    for client in (ada, bob):
        assert (await client.next_event("closing"))["code"] == "draining"
    back = await instance.another_client("ada")
    await (await instance.another_client("bob")).send(room_id, "hello again")

    assert (await back.next_event("message:new"))["message"]["body"] == "hello again"
    assert back.ready["epoch"] == instance.app.container.epoch_watch.epoch != old


async def test_an_epoch_raised_for_a_claim_disconnects_no_other_client(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await _room_of(instance, 1)
    old = ada.ready["epoch"]

    await epochs.raise_epoch(old, Cause.CLAIM)
    sent = [await ada.send(room_id, f"now {number}") for number in range(3)]
    await until(lambda: instance.app.container.epoch_watch.epoch != old)
    sent += [await bob.send(room_id, f"then {number}") for number in range(3)]
    for client in (ada, bob):
        await client.next_event("message:new", lambda it: it["seq"] == sent[-1]["seq"])

    assert [it["seq"] for _, it in bob.entries(room_id)][-7:] == [sent[0]["seq"] - 1 + n for n in range(7)]
    assert (ada.count_events("closing"), bob.count_events("closing")) == (0, 0)
    assert (await instance.another_client("ada")).ready["epoch"] == instance.app.container.epoch_watch.epoch


async def test_a_user_who_is_not_a_member_in_the_restored_log_stores_nothing(instance: LiveInstance) -> None:
    room_id, (_, bob) = await _room_of(instance, 1)

    async with database.transaction() as tx:
        await models.Membership.filter(room_id=room_id, user_id=bob.ready["user"]["id"]).delete()
        await epochs.replace(
            tx, bob.ready["epoch"], epochs.generate_after(bob.ready["epoch"]), Cause.RESTORE, {}
        )
    answer = await bob.call_for_ack(
        "message:send", room_id=room_id, client_id=str(uuid4()), body="still here"
    )

    assert answer["error"]["code"] == "not_a_member"


async def test_a_batch_that_meets_another_epoch_is_stored_once_without_a_gap(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await _room_of(instance, 1)
    old = ada.ready["epoch"]
    messages = [(client, str(uuid4())) for client in (ada, bob) for _ in range(10)]

    async def send(client, client_id):
        return await client.call_for_ack("message:send", room_id=room_id, client_id=client_id, body=client_id)

    sending = asyncio.gather(*(send(*each) for each in messages))
    await epochs.raise_epoch(old, Cause.CLAIM)
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
    instance: LiveInstance, where, ahead, epoch, counts
) -> None:
    room_id, (ada, bob) = await _room_of(instance, 1)
    old = ada.ready["epoch"]
    cursors = {room_id: 3 + ahead}
    known = old if epoch == "own" else "another"

    if where == "connect":
        bob = await instance.users["bob"].connect_client(epoch=known, cursors=cursors)
    answer = await bob.call("sync", epoch=known, rooms=cursors)
    await instance.app.container.epoch_watch.check()

    assert answer["rooms"][room_id]["reset"] is True
    assert (instance.app.container.epoch_watch.epoch != old) is counts
    assert await epoch_raises() == [("claim", UUID(instance.users["bob"].id))] * counts
    assert (ada.count_events("closing"), bob.count_events("closing")) == (0, 0)
