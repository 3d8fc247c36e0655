"""The list of conversations has the peer and the last message, without a second request."""

from typing import Any

import pytest

from hubbub import models
from hubbub.core import clock, ids, metrics
from hubbub.schemas.chat.rooms import MAX_PREVIEW_CHARS
from tests.support.live_instance import LiveInstance
from tests.support.raw_client import RawClient

Json = dict[str, Any]
SHOWN = ("id", "username", "display_name", "avatar_url")


async def everywhere(instance: LiveInstance, name: str, room_id: str, kind: str) -> dict[str, Json]:
    """The views of a room in every response that contains it."""
    user = instance.users[name]
    device = await user.connect_client()
    lists = {
        "ready": device.ready["rooms"],
        "room:list": (await device.call("room:list", limit=200))["rooms"],
        "GET /rooms": (await user.rest("GET", "/rooms?limit=100"))[1]["data"],
        "GET /rooms/{id}": [(await user.rest("GET", f"/rooms/{room_id}"))[1]["data"]],
        "room:join": [(await device.call("room:join", room_id=room_id))["room"]],
    }
    if kind == "public":
        lists["room:browse"] = (await device.call("room:browse"))["rooms"]
        lists["GET /rooms/public"] = (await user.rest("GET", "/rooms/public"))[1]["data"]
    if kind != "direct":
        lists["room:update"] = [(await device.call("room:update", room_id=room_id))["room"]]
    await device.close()
    return {way: room for way, rooms in lists.items() for room in rooms if room["id"] == room_id}


def last_of(message: Json, preview: str) -> Json:
    """What `last_message` must be."""
    return {
        "id": message["id"],
        "seq": message["seq"],
        "sender": message["sender"],
        "preview": preview,
        "at": message["created_at"],
    }


@pytest.mark.parametrize("kind", ["public", "private"])
async def test_the_last_message_follows_edits_and_deletions(instance: LiveInstance, kind: str) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob", kind=kind)
    found = await everywhere(instance, "ada", room_id, kind)
    assert [(room["peer"], room["last_message"]) for room in found.values()] == [(None, None)] * len(found)

    await ada.send(room_id, "first")
    sent = await bob.send(room_id, "👩‍🚀 second\nline")
    found = await everywhere(instance, "ada", room_id, kind)
    assert {way: room["last_message"] for way, room in found.items()} == dict.fromkeys(
        found, last_of(sent, "👩‍🚀 second\nline")
    )
    assert len(found) == (8 if kind == "public" else 6)

    long = "ä" * (MAX_PREVIEW_CHARS + 1)
    await bob.call("message:edit", message_id=sent["id"], body=long)
    await ada.call("reaction:add", message_id=sent["id"], emoji="👍")
    found = await everywhere(instance, "ada", room_id, kind)
    assert {way: room["last_message"] for way, room in found.items()} == dict.fromkeys(
        found, last_of(sent, long[:MAX_PREVIEW_CHARS])
    )

    await bob.call("message:delete", message_id=sent["id"])
    found = await everywhere(instance, "ada", room_id, kind)
    assert {way: room["last_message"] for way, room in found.items()} == dict.fromkeys(
        found, last_of(sent, "")
    )


async def test_a_direct_room_lists_the_other_member_to_both(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    one, other = await ada.connect_client(), await bob.connect_client()
    users = {name: {field: instance.users[name].account[field] for field in SHOWN} for name in ("ada", "bob")}

    made = (await one.call("room:create", kind="direct", member_ids=[bob.id]))["room"]
    added = (await other.next_event("room:added"))["room"]
    sent = await other.send(made["id"], "hello")
    again = (await one.call("room:create", kind="direct", member_ids=[bob.id]))["room"]

    assert (made["peer"], added["peer"], again["peer"]) == (users["bob"], users["ada"], users["bob"])
    assert (made["last_message"], again["last_message"]) == (None, last_of(sent, "hello"))
    for name, peer in (("ada", users["bob"]), ("bob", users["ada"])):
        found = await everywhere(instance, name, made["id"], "direct")
        assert {way: room["peer"] for way, room in found.items()} == dict.fromkeys(found, peer)


async def test_the_peer_remains_after_the_deletion_of_the_account(instance: LiveInstance) -> None:
    ada, bob = await instance.register("ada"), await instance.register("bob")
    device = await ada.connect_client()
    made = (await device.call("room:create", kind="direct", member_ids=[bob.id]))["room"]
    await models.User.filter(id=bob.id).update(display_name="Deleted", deleted_at=clock.now())
    await models.Membership.filter(user_id=bob.id).delete()

    (room,) = [it for it in (await device.call("room:list"))["rooms"] if it["id"] == made["id"]]

    assert (room["peer"]["id"], room["peer"]["display_name"]) == (bob.id, "Deleted")


async def test_a_room_shows_no_message_to_users_who_are_not_members(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob", kind="public")
    await ada.send(room_id, "among us")
    eve = await instance.register("eve")
    device = await eve.connect_client()

    rooms = [
        *(await device.call("room:browse"))["rooms"],
        *(await eve.rest("GET", "/rooms/public"))[1]["data"],
        (await eve.rest("GET", f"/rooms/{room_id}"))[1]["data"],
    ]

    found = [(room["my"], room["peer"], room["last_message"]) for room in rooms if room["id"] == room_id]
    assert found == [(None, None, None)] * 3


async def test_a_room_broadcast_contains_no_message_and_a_new_member_receives_it(
    instance: LiveInstance,
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "said before")
    eve = await (await instance.register("eve")).connect_client()

    ack = (await ada.call("room:update", room_id=room_id, topic="words"))["room"]
    updated = (await bob.next_event("room:updated"))["room"]
    await ada.call("room:invite", room_id=room_id, user_id=eve.ready["user"]["id"])
    added = (await eve.next_event("room:added"))["room"]

    assert (updated["my"], updated["peer"], updated["last_message"]) == (None, None, None)
    assert ack["last_message"] == added["last_message"] == last_of(sent, "said before")


async def conversations(user_id: Any, count: int) -> list[str]:
    """Store direct rooms of a user with as many others, each with a message; returns their texts."""
    others = [
        models.User(id=ids.uuid7(), username=f"o{n}", email=f"o{n}@example.org", display_name=f"Other {n}")
        for n in range(count)
    ]
    now = clock.now()
    rooms = [
        models.Room(
            id=ids.uuid7(),
            kind="direct",
            direct_key=":".join(sorted((str(user_id), str(other.id)))),
            last_seq=3,
            member_count=2,
            last_entry_at=now,
        )
        for other in others
    ]
    await models.User.bulk_create(others)
    await models.Room.bulk_create(rooms)
    await models.Membership.bulk_create(
        models.Membership(room_id=room.id, user_id=member, role="member", joined_seq=1, last_read_seq=2)
        for room, other in zip(rooms, others, strict=True)
        for member in (user_id, other.id)
    )
    await models.Message.bulk_create(
        models.Message(
            room_id=room.id,
            seq=3,
            sender_id=other.id,
            client_id=ids.uuid7(),
            body=other.username,
            created_at=now,
        )
        for room, other in zip(rooms, others, strict=True)
    )
    return [other.username for other in others]


@pytest.mark.parametrize("count", [3, 499])
async def test_ready_contains_the_list_of_conversations(instance: LiveInstance, count: int) -> None:
    ada = await instance.register("ada")
    names = await conversations(ada.id, count)
    chat, container = instance.app.chat, instance.app.container
    loops = (chat.reconciler, chat.delivery, chat.presence_tracker)
    for loop in (*loops, container.session_last_seen, container.epoch_watch):
        await loop.close()
    before = metrics.counters["database_statements"]

    fan = RawClient(instance.http, instance.url, ada.token)
    await fan.connect()
    statements = metrics.counters["database_statements"] - before
    await fan.close()

    listed = [room for room in fan.ready["rooms"] if room["kind"] == "direct"]
    assert sorted(room["peer"]["username"] for room in listed) == sorted(names)
    assert all(room["last_message"]["preview"] == room["peer"]["username"] for room in listed)
    assert all(room["last_message"]["sender"] == room["peer"] for room in listed)
    assert fan.ready["rooms_complete"]
    assert statements == 2  # the session with the memberships, and the rooms with the ends of their logs
