"""How clients reconnect: cursors, epochs, sync."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.live_instance import LiveInstance


async def test_a_client_with_current_state_receives_nothing(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await ada.send(room_id, "one")
    user = instance.users["bob"]
    before = (await bob.call("room:list"))["rooms"]
    cursors = {room["id"]: room["last_seq"] for room in before}
    await bob.close()

    again = await user.connect_client(epoch=bob.ready["epoch"], cursors=cursors)

    assert again.ready["rooms"] == []
    assert again.ready["rooms_complete"] is True


async def test_a_client_that_missed_entries_receives_the_changed_rooms_and_syncs(
    instance: LiveInstance,
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "one")
    cursors = {room["id"]: room["last_seq"] for room in (await bob.call("room:list"))["rooms"]}
    await bob.close()
    sent = [await ada.send(room_id, str(index)) for index in range(3)]

    again = await instance.users["bob"].connect_client(epoch=bob.ready["epoch"], cursors=cursors)
    synced = await again.call("sync", epoch=bob.ready["epoch"], rooms={room_id: first["seq"]})

    assert [(room["id"], room["my"]["unread"]) for room in again.ready["rooms"]] == [(room_id, 4)]
    entries = synced["rooms"][room_id]["entries"]
    assert [each["payload"]["message"] for each in entries] == sent
    assert synced["rooms"][room_id]["complete"] is True
    assert [each["payload"] for each in entries] == [it for _, it in ada.entries(room_id)][-3:]


async def test_another_epoch_resets_the_client(instance: LiveInstance) -> None:
    room_id, (_, bob) = await instance.room_with_clients("ada", "bob")
    user = instance.users["bob"]

    other = await user.connect_client(epoch="another", cursors={room_id: 2})
    synced = await other.call("sync", epoch="another", rooms={room_id: 1})

    assert len(other.ready["rooms"]) == 2
    assert synced["epoch"] == bob.ready["epoch"]
    assert synced["rooms"][room_id] == {"reset": True, "last_seq": 2}


async def test_sync_returns_lost_rooms_and_rooms_that_are_ahead(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await ada.call("room:remove", room_id=room_id, user_id=bob.ready["user"]["id"])
    general = ada.ready["rooms"][0]

    answer = (await bob.call("sync", rooms={room_id: 1, str(uuid4()): 0, general["id"]: 10**6}))["rooms"]

    assert answer[room_id] == {"gone": True}
    assert answer[general["id"]]["reset"] is True
    bad = await bob.call_for_ack("sync", rooms={str(uuid4()): 0 for _ in range(501)})
    assert bad["error"]["code"] == "invalid_payload"


async def test_sync_is_paged(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    for index in range(7):
        await ada.send(room_id, str(index))
    seen, rounds, seqs = 0, 0, []

    complete = False
    while not complete:
        part = (await bob.call("sync", rooms={room_id: seen}, limit=2))["rooms"][room_id]
        seqs += [each["payload"]["seq"] for each in part["entries"]]
        seen, complete, rounds = seqs[-1], part["complete"], rounds + 1

    assert seqs == list(range(1, 10))
    assert rounds == 5


async def test_a_sync_ack_is_at_most_a_mebibyte(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    for _ in range(30):
        await ada.send(room_id, "界" * 8000)
        instance.app.container.membership_cache.get(UUID(ada.ready["user"]["id"])).message_limiter.refund()  # type: ignore[union-attr]
    general = next(each["id"] for each in bob.ready["rooms"] if each["name"] == "general")

    answer = await bob.call("sync", rooms={room_id: 0, general: 0})

    assert len(json.dumps(answer, ensure_ascii=False).encode()) <= 1 << 20
    part = answer["rooms"][room_id]
    assert part["complete"] is True or part["entries"]


async def test_a_membership_removed_while_disconnected_is_reported(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    cursors = {room["id"]: room["last_seq"] for room in (await bob.call("room:list"))["rooms"]}
    await bob.close()
    await ada.call("room:remove", room_id=room_id, user_id=bob.ready["user"]["id"])

    again = await instance.users["bob"].connect_client(epoch=bob.ready["epoch"], cursors=cursors)

    assert (await again.next_event("room:gone")) == {"room_id": room_id}


# --- changes during a connect ---


def after_each(loader: Any, monkeypatch: pytest.MonkeyPatch, act: Callable[[], Awaitable[object]]) -> None:
    """Do something after each read of a loader, before its caller gets the result."""
    read = loader.get

    async def read_and_act(*arguments: Any) -> Any:
        found = await read(*arguments)
        await act()
        return found

    monkeypatch.setattr(loader, "get", read_and_act)


async def test_a_membership_that_begins_while_the_session_is_read_is_in_ready(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    rooms: list[str] = []

    async def create_room() -> None:
        body = {"kind": "private", "name": "late", "member_ids": [ada.id]}
        rooms.append((await bob.rest("POST", "/rooms", json=body))[1]["data"]["id"])

    after_each(instance.app.container.loaders.connects, monkeypatch, create_room)
    client = await ada.connect_client()
    await bob.rest("POST", f"/rooms/{rooms[0]}/messages", json={"client_id": str(uuid4()), "body": "x"})

    assert rooms[0] in [room["id"] for room in client.ready["rooms"]]
    assert (await client.next_event("message:new"))["room_id"] == rooms[0]


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # the order of two steps
async def test_an_entry_of_a_quiet_room_that_follows_its_reading_is_delivered_once(
    instance: LiveInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    body = {"kind": "private", "name": "quiet", "member_ids": [ada.id]}
    room = (await bob.rest("POST", "/rooms", json=body))[1]["data"]

    async def send() -> None:
        await bob.rest("POST", f"/rooms/{room['id']}/messages", json={"client_id": str(uuid4()), "body": "x"})

    after_each(instance.app.container.loaders.ready_rooms, monkeypatch, send)
    assert UUID(room["id"]) not in instance.app.chat.delivery.feeds
    client = await ada.connect_client()
    await send()
    last_seqs = {each["id"]: each["last_seq"] for each in client.ready["rooms"]}
    await client.next_event("message:new", lambda it: it["seq"] == room["last_seq"] + 2)

    assert last_seqs[room["id"]] == room["last_seq"]
    assert [it["seq"] for _, it in client.entries(room["id"])] == [room["last_seq"] + 1, room["last_seq"] + 2]
