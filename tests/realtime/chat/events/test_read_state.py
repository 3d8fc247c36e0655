"""Read marks, unread counts and muting over sockets."""

from typing import Any

from tests.realtime.chat.events.conftest import code_of
from tests.support.live_instance import LiveInstance


async def test_unread_counts_only_messages_of_others(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "one")
    second = await ada.send(room_id, "two @bob")

    async def my(client: Any) -> dict[str, Any]:
        rooms = (await client.call("room:list"))["rooms"]
        return next(each["my"] for each in rooms if each["id"] == room_id)

    assert (await my(ada))["unread"] == 0
    assert ((await my(bob))["unread"], (await my(bob))["mentions"]) == (2, 1)
    assert await bob.call("room:read", room_id=room_id, seq=first["seq"]) == {
        "last_read_seq": first["seq"],
        "unread": 1,
        "mentions": 1,
    }
    assert (await ada.next_event("read")) == {
        "room_id": room_id,
        "user_id": bob.ready["user"]["id"],
        "seq": first["seq"],
    }
    assert (await bob.call("room:read", room_id=room_id, seq=10**30))["last_read_seq"] == second["seq"]
    assert (await bob.call("room:read", room_id=room_id, seq=1))["last_read_seq"] == second["seq"]
    assert (await bob.call("room:mark_unread", room_id=room_id, seq=second["seq"]))["unread"] == 1
    own = await bob.send(room_id, "three, says @bob")
    assert (await my(bob))["unread"] == 0
    await bob.call("message:edit", message_id=own["id"], body="three, says @bob again")
    assert await bob.call("room:mark_unread", room_id=room_id, seq=0) == {
        "last_read_seq": 0,
        "unread": 2,
        "mentions": 1,
    }


async def test_a_read_mark_reaches_the_other_sockets_of_the_user(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    tablet = await instance.another_client("bob")
    sent = await ada.send(room_id, "one")

    await bob.call("room:read", room_id=room_id, seq=sent["seq"])

    assert (await tablet.next_event("read"))["seq"] == sent["seq"]
    await bob.synchronize()
    assert bob.count_events("read") == 0


async def test_muting_is_stored(instance: LiveInstance) -> None:
    room_id, (_, bob) = await instance.room_with_clients("ada", "bob")

    assert await bob.call("room:mute", room_id=room_id, muted=True) == {}
    assert (await bob.call("room:list"))["rooms"][0]["my"]["muted"] is True
    assert await code_of(bob, "room:mute", room_id=room_id, muted="yes") == "invalid_payload"
