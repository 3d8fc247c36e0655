"""Typing and presence over sockets."""

from uuid import uuid4

from tests.realtime.chat.events.conftest import code_of
from tests.support.live_instance import LiveInstance


async def test_typing_is_emitted_to_others_at_most_every_two_seconds(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    await ada.call("typing:start", room_id=room_id)
    await ada.call("typing:start", room_id=room_id)
    await ada.call("typing:stop", room_id=room_id)

    ada_id = ada.ready["user"]["id"]
    assert await bob.next_event("typing") == {"room_id": room_id, "user_id": ada_id, "typing": True}
    assert await bob.next_event("typing") == {"room_id": room_id, "user_id": ada_id, "typing": False}
    await ada.synchronize()
    assert ada.count_events("typing") == 0
    assert bob.count_events("typing") == 2


async def test_several_sockets_are_one_user(instance: LiveInstance) -> None:
    instance.app.chat.presence_tracker._grace_s = 0.5
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    bob_id = bob.ready["user"]["id"]
    tablet = await instance.another_client("bob")

    await tablet.call("presence:set", status="busy")
    busy = await ada.next_event("presence", lambda it: it["user_id"] == bob_id and it["status"] == "busy")
    assert busy["last_seen_at"] is None
    await tablet.close()
    seen = await ada.call("presence:get", user_ids=[bob_id])
    assert seen["presences"] == [{"user_id": bob_id, "status": "busy", "last_seen_at": None}]
    await bob.close()

    gone = await ada.next_event("presence", lambda it: it["status"] == "offline")
    assert (gone["user_id"], gone["last_seen_at"] is None) == (bob_id, False)
    (member,) = [
        each
        for each in (await ada.call("room:members", room_id=room_id))["members"]
        if each["user"]["id"] == bob_id
    ]
    assert member["status"] == "offline"


async def test_presence_of_unrelated_users_is_offline(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    unknown_id = str(uuid4())

    (seen,) = (await ada.call("presence:get", user_ids=[unknown_id]))["presences"]

    assert seen == {"user_id": unknown_id, "status": "offline", "last_seen_at": None}
    assert await code_of(ada, "presence:get", user_ids=[unknown_id] * 201) == "invalid_payload"
    assert await code_of(ada, "presence:set", status="invisible") == "invalid_payload"
    assert room_id
