"""Each event of /chat: the happy path, a bad payload, not allowed, twice."""

from typing import Any
from uuid import uuid4

import pytest

from hubbub.realtime.chat import events
from tests.support.live_instance import LiveInstance


async def code_of(client: Any, event: str, **payload: Any) -> str:
    """The code of the refusal."""
    answer = await client.call_for_ack(event, **payload)
    assert not answer["ok"], answer
    assert set(answer["error"]) <= {"code", "message", "fields", "retry_after_ms"}
    return str(answer["error"]["code"])


# --- rooms ---


async def test_every_user_is_in_the_default_room(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    (room,) = ada.ready["rooms"]

    assert (room["name"], room["kind"], room["my"]["role"]) == ("general", "public", "member")
    assert ada.ready["rooms_complete"] is True
    assert ada.ready["protocol"] == 1
    assert ada.ready["user"]["username"] == "ada"


async def test_a_room_is_created_with_its_members(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    mine = (await ada.call("room:list"))["rooms"]
    members = (await bob.call("room:members", room_id=room_id))["members"]

    assert mine[0]["id"] == room_id
    assert mine[0]["member_count"] == 2
    assert [(each["user"]["username"], each["role"]) for each in members] == [
        ("ada", "owner"),
        ("bob", "member"),
    ]


@pytest.mark.parametrize("asked", ["socket", "rest"])
async def test_a_new_room_is_one_event_for_all_other_sockets(instance: LiveInstance, asked: str) -> None:
    users = {name: await instance.register(name) for name in ("ada", "bob", "eve")}
    asking, other = await users["ada"].connect_client(), await users["ada"].connect_client()
    members = [await users[name].connect_client() for name in ("bob", "bob", "eve")]
    payload = {"kind": "private", "name": "den", "member_ids": [users["bob"].id, users["eve"].id]}

    if asked == "rest":
        room = (await users["ada"].rest("POST", "/rooms", json=payload))[1]["data"]
    else:
        room = (await asking.call("room:create", **payload))["room"]
    await other.send(room["id"], "hello")

    told = [*members, other, *([asking] if asked == "rest" else [])]
    for client in told:
        await client.next_event("message:new", lambda it: it["room_id"] == room["id"])
        assert [it["room"]["last_seq"] for name, it in client.events if name == "room:added"] == [3]
        assert [(name, it["seq"]) for name, it in client.entries(room["id"])] == [("message:new", 4)]
    roles = [
        next(it["room"]["my"]["role"] for name, it in each.events if name == "room:added") for each in told
    ]
    assert roles == ["member"] * 3 + ["owner"] * (len(told) - 3)
    if asked == "socket":
        await asking.next_event("message:new", lambda it: it["room_id"] == room["id"])
        assert [it["seq"] for _, it in asking.entries(room["id"])] == [1, 2, 3, 4]
        assert asking.count_events("room:added") == 0
    displayed = await users["eve"].rest("GET", f"/rooms/{room['id']}")
    assert displayed[1]["data"]["my"]["unread"] == 1


async def test_room_added_contains_the_room_as_its_receiver_sees_it(instance: LiveInstance) -> None:
    bob = await instance.register("bob")
    phone = await bob.connect_client()
    ada = await (await instance.register("ada")).connect_client()
    made = await ada.call("room:create", kind="private", member_ids=[bob.id])

    added = await phone.next_event("room:added")

    assert added["room"] == {
        **made["room"],
        "my": {**made["room"]["my"], "role": "member", "last_read_seq": 2},
    }


@pytest.mark.parametrize(
    "payload",
    [
        {"kind": "public"},
        {"kind": "public", "name": "   "},
        {"kind": "public", "name": ""},
        {"kind": "public", "name": "x" * 81},
        {"kind": "secret", "name": "x"},
        {"kind": "direct"},
        {"kind": "direct", "member_ids": ["not an id"]},
        {"kind": "private", "topic": "x" * 251},
        {"kind": "private", "name": "a\x00b"},
        {"kind": "private", "name": 5},
        {},
    ],
)
async def test_an_invalid_room_is_refused_and_nothing_created(
    instance: LiveInstance, payload: dict[str, Any]
) -> None:
    ada = await (await instance.register("ada")).connect_client()

    assert await code_of(ada, "room:create", **payload) == "invalid_payload"
    assert len((await ada.call("room:list"))["rooms"]) == 1


async def test_public_names_are_unique_ignoring_case(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    await ada.call("room:create", kind="public", name="Straße")

    assert await code_of(ada, "room:create", kind="public", name="STRASSE") == "conflict"
    await ada.call("room:create", kind="private", name="straße")


async def test_an_existing_direct_room_is_returned(instance: LiveInstance) -> None:
    ada, bob = [await instance.register(name) for name in ("ada", "bob")]
    first = await (await ada.connect_client()).call("room:create", kind="direct", member_ids=[bob.id])
    again = await (await bob.connect_client()).call("room:create", kind="direct", member_ids=[ada.id])

    assert first["room"]["id"] == again["room"]["id"]
    assert again["room"]["member_count"] == 2


async def test_a_direct_room_accepts_no_third_member(instance: LiveInstance) -> None:
    ada, bob, eve = [await instance.register(name) for name in ("ada", "bob", "eve")]
    client = await ada.connect_client()
    room_id = (await client.call("room:create", kind="direct", member_ids=[bob.id]))["room"]["id"]

    assert await code_of(client, "room:leave", room_id=room_id) == "forbidden"
    assert await code_of(client, "room:update", room_id=room_id, name="x") == "forbidden"
    assert await code_of(client, "room:invite", room_id=room_id, user_id=eve.id) == "forbidden"
    assert await code_of(client, "room:remove", room_id=room_id, user_id=bob.id) == "forbidden"


async def test_browsing_lists_public_rooms_only(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    await ada.call("room:create", kind="public", name="Garden 100%")
    await ada.call("room:create", kind="private", name="Garden secret")
    bob = await (await instance.register("bob")).connect_client()

    found = (await bob.call("room:browse", query="gard"))["rooms"]
    literal = (await bob.call("room:browse", query="100%"))["rooms"]

    assert [(each["name"], each["my"]) for each in found] == [("Garden 100%", None)]
    assert len(literal) == 1
    assert (await bob.call("room:browse", query="%secret"))["rooms"] == []


async def test_lists_are_paged(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    for index in range(5):
        await ada.call("room:create", kind="public", name=f"room {index}")

    pages, cursor = [], None
    while True:
        page = await ada.call("room:list", limit=2, cursor=cursor)
        pages.append([each["name"] for each in page["rooms"]])
        if (cursor := page["next_cursor"]) is None:
            break

    assert pages == [["room 4", "room 3"], ["room 2", "room 1"], ["room 0", "general"]]
    assert await code_of(ada, "room:list", limit=201) == "invalid_payload"
    assert await code_of(ada, "room:list", cursor="nonsense") == "invalid_payload"


async def test_joining_twice_is_no_error(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    made = await ada.call("room:create", kind="public", name="open")
    bob = await (await instance.register("bob")).connect_client()

    first = await bob.call("room:join", name="OPEN")
    again = await bob.call("room:join", room_id=made["room"]["id"])

    assert first["room"] == again["room"]
    assert [each["username"] for each in first["members"]] == ["ada", "bob"]
    room_id = made["room"]["id"]
    joined = await ada.next_event(
        "member:joined", lambda it: (it["room_id"], it["user"]["username"]) == (room_id, "bob")
    )
    assert (joined["seq"], joined["role"]) == (2, "member")
    await ada.synchronize()
    joined_here = [it["user"]["username"] for name, it in ada.entries(room_id) if name == "member:joined"]
    assert joined_here == ["ada", "bob"]


async def test_rooms_of_others_are_hidden_or_closed(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    private = (await ada.call("room:create", kind="private"))["room"]["id"]
    public = (await ada.call("room:create", kind="public", name="open"))["room"]["id"]
    bob = await (await instance.register("bob")).connect_client()

    for event in ("message:send", "message:history", "room:members", "room:leave", "typing:start"):
        extra = {"client_id": str(uuid4()), "body": "x"} if event == "message:send" else {}
        assert await code_of(bob, event, room_id=private, **extra) == "not_found"
        assert await code_of(bob, event, room_id=public, **extra) == "not_a_member"
        assert await code_of(bob, event, room_id=str(uuid4()), **extra) == "not_found"
    assert await code_of(bob, "room:join", room_id=private) == "not_found"
    assert await code_of(bob, "room:join", name="no such room") == "not_found"
    assert await code_of(bob, "room:join") == "invalid_payload"


async def test_a_member_who_leaves_receives_it_and_then_nothing(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    tablet = await instance.another_client("bob")

    await bob.call("room:leave", room_id=room_id)
    for device in (bob, tablet):
        left = await device.next_event("member:left")
        assert left["user"]["username"] == "bob"
        assert (await device.next_event("room:gone")) == {"room_id": room_id}
    await ada.send(room_id, "are you there?")

    await bob.synchronize()
    assert bob.count_events("message:new") == 0
    assert (
        await code_of(bob, "message:send", room_id=room_id, client_id=str(uuid4()), body="x") == "not_found"
    )


async def test_ownership_passes_to_the_longest_serving_moderator(instance: LiveInstance) -> None:
    room_id, (ada, bob, eve) = await instance.room_with_clients("ada", "bob", "eve")
    eve_id = eve.ready["user"]["id"]
    await ada.call("room:set_role", room_id=room_id, user_id=eve_id, role="moderator")

    await ada.call("room:leave", room_id=room_id)

    change = await bob.next_event("member:role", lambda it: it["role"] == "owner")
    assert change["user_id"] == eve_id


async def test_the_last_member_to_leave_archives_the_room(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    room_id = (await ada.call("room:create", kind="public", name="short"))["room"]["id"]

    await ada.call("room:leave", room_id=room_id)

    assert await code_of(ada, "room:join", room_id=room_id) == "not_found"
    await ada.call("room:create", kind="public", name="short")


async def test_only_moderators_invite_and_remove(instance: LiveInstance) -> None:
    room_id, (ada, bob, eve) = await instance.room_with_clients("ada", "bob", "eve")
    zoe = await instance.register("zoe")
    bob_id, eve_id = bob.ready["user"]["id"], eve.ready["user"]["id"]

    assert await code_of(bob, "room:invite", room_id=room_id, user_id=zoe.id) == "forbidden"
    assert await code_of(bob, "room:remove", room_id=room_id, user_id=eve_id) == "forbidden"
    assert await code_of(ada, "room:invite", room_id=room_id, user_id=str(uuid4())) == "not_found"
    assert await code_of(ada, "room:remove", room_id=room_id, user_id=zoe.id) == "not_found"
    await ada.call("room:invite", room_id=room_id, user_id=zoe.id)
    await ada.call("room:invite", room_id=room_id, user_id=zoe.id)
    await ada.call("room:remove", room_id=room_id, user_id=eve_id)

    assert (await eve.next_event("room:gone")) == {"room_id": room_id}
    assert (await bob.call("room:list"))["rooms"][0]["member_count"] == 3
    assert await code_of(bob, "room:remove", room_id=room_id, user_id=ada.ready["user"]["id"]) == "forbidden"
    assert bob_id != eve_id


async def test_transferring_ownership_makes_the_owner_a_moderator(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    bob_id = bob.ready["user"]["id"]

    assert await code_of(bob, "room:set_role", room_id=room_id, user_id=bob_id, role="owner") == "forbidden"
    assert await ada.call("room:set_role", room_id=room_id, user_id=bob_id, role="owner") == {"role": "owner"}

    roles = {
        each["user"]["username"]: each["role"]
        for each in (await ada.call("room:members", room_id=room_id))["members"]
    }
    assert roles == {"ada": "moderator", "bob": "owner"}
    await ada.next_event("member:role", lambda it: it["role"] == "moderator")


async def test_a_new_room_name_reaches_all_members(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    answer = await ada.call("room:update", room_id=room_id, name="New name", topic="All about it")

    updated = await bob.next_event("room:updated")
    assert updated["room"] == {**answer["room"], "my": None}
    assert answer["room"]["last_seq"] == updated["seq"]
    assert await code_of(bob, "room:update", room_id=room_id, name="Mine") == "forbidden"
    assert await code_of(ada, "room:update", room_id=room_id, name="") == "invalid_payload"


# --- messages ---


async def test_a_message_reaches_every_member_once_including_the_sender(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")

    sent = await ada.send(room_id, "Grüße, 世界 🌍")

    for client in (ada, bob):
        event = await client.next_event("message:new")
        assert event["message"] == sent
        assert (event["seq"], event["room_id"], event["actor_id"]) == (
            sent["seq"],
            room_id,
            sent["sender"]["id"],
        )
        await client.synchronize()
        assert client.count_events("message:new") == 1


async def test_a_repeated_send_stores_nothing_and_returns_the_first_ack(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    client_id = str(uuid4())
    first = await ada.send(room_id, "hello", client_id=client_id)
    await ada.call("message:edit", message_id=first["id"], body="changed")

    assert await ada.send(room_id, "hello", client_id=client_id) == first
    await bob.synchronize()
    assert bob.count_events("message:new") == 1
    other = (await ada.call("room:create", kind="private"))["room"]["id"]
    assert await code_of(ada, "message:send", room_id=other, client_id=client_id, body="x") == "conflict"


@pytest.mark.parametrize(
    "change",
    [
        {"body": ""},
        {"body": "x" * 8001},
        {"body": None},
        {"body": "\ud800"},
        {"body": "nul \x00"},
        {"client_id": "1"},
        {"client_id": None},
        {"room_id": 7},
        {"reply_to": "x"},
        {"attachments": "x"},
        {"attachments": [str(uuid4())] * 11},
    ],
)
async def test_an_invalid_message_is_refused(instance: LiveInstance, change: dict[str, Any]) -> None:
    ada = await (await instance.register("ada")).connect_client()
    room_id = ada.ready["rooms"][0]["id"]
    good = {"room_id": room_id, "client_id": str(uuid4()), "body": "x"}

    assert await code_of(ada, "message:send", **{**good, **change}) == "invalid_payload"
    assert (await ada.call("message:history", room_id=room_id))["messages"] == []


async def test_length_is_counted_in_code_points(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()
    room_id = ada.ready["rooms"][0]["id"]

    # Python's client escapes what is not ASCII: 12 bytes each, of 128 KiB.
    sent = await ada.send(room_id, "🌍" * 8000)

    assert len(sent["body"]) == 8000


async def test_a_reply_refers_to_a_message_of_the_room(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "question")

    assert (await ada.send(room_id, "answer", reply_to=first["id"]))["reply_to"] == first["id"]
    general = ada.ready["rooms"][0]["id"]
    payload = {"room_id": general, "client_id": str(uuid4()), "body": "x", "reply_to": first["id"]}
    assert await code_of(ada, "message:send", **payload) == "not_found"


async def test_only_members_outside_code_are_mentioned(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await instance.register("stranger")

    sent = await ada.send(room_id, "@Bob. and @bob, not `@ada` nor @stranger nor a@bob.example")

    assert sent["mentions"] == [bob.ready["user"]["id"]]
    state = (await bob.call("room:list"))["rooms"][0]["my"]
    assert (state["unread"], state["mentions"]) == (1, 1)


async def test_only_the_sender_may_edit(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "helo")

    assert await code_of(bob, "message:edit", message_id=sent["id"], body="x") == "forbidden"
    assert await code_of(ada, "message:edit", message_id=sent["id"], body="") == "invalid_payload"
    assert await code_of(ada, "message:edit", message_id=str(uuid4()), body="x") == "not_found"
    edited = (await ada.call("message:edit", message_id=sent["id"], body="hello @bob"))["message"]
    again = (await ada.call("message:edit", message_id=sent["id"], body="hello @bob"))["message"]

    updated = await bob.next_event("message:updated")
    assert updated["message"] == edited == again
    assert edited["edited_at"] == updated["at"]
    assert edited["mentions"] == [bob.ready["user"]["id"]]
    await bob.synchronize()
    assert bob.count_events("message:updated") == 1


async def test_a_deleted_message_keeps_its_position_and_loses_its_text_everywhere(
    instance: LiveInstance,
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await bob.send(room_id, "a secret @ada")
    await bob.call("message:edit", message_id=sent["id"], body="a worse secret @ada")
    await ada.call("reaction:add", message_id=sent["id"], emoji="👀")

    deleted = (await ada.call("message:delete", message_id=sent["id"]))["message"]
    again = (await bob.call("message:delete", message_id=sent["id"]))["message"]

    assert deleted == again
    assert (deleted["seq"], deleted["body"], deleted["mentions"], deleted["reactions"]) == (
        sent["seq"],
        "",
        [],
        [],
    )
    told = await bob.next_event("message:deleted")
    assert (told["message_id"], told["at"]) == (sent["id"], deleted["deleted_at"])
    synced = (await ada.call("sync", rooms={room_id: 0}))["rooms"][room_id]
    assert "secret" not in str(synced)
    assert (await ada.call("message:search", query="secret"))["messages"] == []
    assert await code_of(bob, "message:edit", message_id=sent["id"], body="x") == "not_found"
    assert await code_of(bob, "reaction:add", message_id=sent["id"], emoji="👀") == "not_found"


async def test_members_may_not_delete_messages_of_others(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "mine")

    assert await code_of(bob, "message:delete", message_id=sent["id"]) == "forbidden"


async def test_a_reaction_counts_once(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "nice")

    await bob.call("reaction:add", message_id=sent["id"], emoji="👍🏽")
    mine = (await bob.call("reaction:add", message_id=sent["id"], emoji="👍🏽"))["message"]
    theirs = (await ada.call("message:history", room_id=room_id))["messages"][0]

    assert mine["reactions"] == [{"emoji": "👍🏽", "count": 1, "mine": True}]
    assert theirs["reactions"] == [{"emoji": "👍🏽", "count": 1, "mine": False}]
    added = await ada.next_event("reaction:added")
    assert (added["emoji"], added["user_id"]) == ("👍🏽", bob.ready["user"]["id"])
    await bob.call("reaction:remove", message_id=sent["id"], emoji="👍🏽")
    await bob.call("reaction:remove", message_id=sent["id"], emoji="👍🏽")
    await ada.next_event("reaction:removed")
    await ada.synchronize()
    assert (ada.count_events("reaction:added"), ada.count_events("reaction:removed")) == (1, 1)


@pytest.mark.parametrize("emoji", ["", "a b", "x" * 65, "\n", None])
async def test_an_invalid_reaction_is_refused(instance: LiveInstance, emoji: Any) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "nice")

    assert await code_of(ada, "reaction:add", message_id=sent["id"], emoji=emoji) == "invalid_payload"


async def test_history_is_paged_in_both_directions(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    seqs = [(await ada.send(room_id, str(index)))["seq"] for index in range(5)]

    newest = await ada.call("message:history", room_id=room_id, limit=2)
    before = await ada.call("message:history", room_id=room_id, limit=2, before_seq=seqs[3])
    after = await ada.call("message:history", room_id=room_id, limit=3, after_seq=seqs[1])

    assert ([each["body"] for each in newest["messages"]], newest["has_more"]) == (["3", "4"], True)
    assert ([each["body"] for each in before["messages"]], before["has_more"]) == (["1", "2"], True)
    assert ([each["body"] for each in after["messages"]], after["has_more"]) == (["2", "3", "4"], False)
    for bad in ({"limit": 101}, {"limit": 0}, {"before_seq": 1, "after_seq": 1}, {"before_seq": -1}):
        assert await code_of(ada, "message:history", room_id=room_id, **bad) == "invalid_payload"


async def test_search_covers_only_own_rooms(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    await ada.send(room_id, "The quick brown fox")
    await ada.send(room_id, "今日は世界が広い")
    eve = await (await instance.register("eve")).connect_client()

    async def found(client: Any, query: str, **more: Any) -> list[str]:
        answer = await client.call("message:search", query=query, **more)
        return [each["body"] for each in answer["messages"]]

    assert await found(bob, "BROWN qui") == ["The quick brown fox"]
    assert await found(bob, "世界") == ["今日は世界が広い"]
    assert await found(bob, "fox", room_id=room_id, from_user_id=ada.ready["user"]["id"]) == [
        "The quick brown fox"
    ]
    assert await found(bob, "fox", from_user_id=bob.ready["user"]["id"]) == []
    assert await found(bob, 'fox" OR NEAR( * AND') == []
    assert await found(eve, "fox") == []
    assert await code_of(eve, "message:search", query="fox", room_id=room_id) == "not_found"
    assert await code_of(eve, "message:search", query="") == "invalid_payload"


# --- read state ---


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


# --- hints ---


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
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    bob_id = bob.ready["user"]["id"]
    tablet = await instance.another_client("bob")

    await tablet.call("presence:set", status="busy")
    assert (await ada.next_event("presence", lambda it: it["user_id"] == bob_id and it["status"] == "busy"))[
        "last_seen_at"
    ] is None
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


# --- the edge ---


async def test_the_events_of_the_protocol_are_implemented_and_no_others(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    for name in ("no:such", "connect", "disconnect", "message:new", "ready", "__class__", ""):
        assert await code_of(ada, name) == "unknown_event"
    for name, _ in events.events:
        assert (
            await code_of(
                ada,
                name,
                room_id=5,
                seq="x",
                message_id=5,
                query=5,
                status=5,
                user_ids=5,
                rooms=5,
                kind=5,
                cursor=5,
            )
            == "invalid_payload"
        )


async def test_events_of_one_client_are_acknowledged_in_order(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    answers: list[int] = []
    for index in range(20):
        await ada.sio.emit(
            "message:send",
            {"room_id": room_id, "client_id": str(uuid4()), "body": str(index)},
            namespace="/chat",
            callback=lambda answer, index=index: answers.append(index),
        )

    await bob.events_until("message:new", lambda it: it["message"]["body"] == "19")
    await ada.synchronize()

    assert answers == list(range(20))
    bodies = [it["message"]["body"] for name, it in bob.events if name == "message:new"]
    assert bodies == [str(index) for index in range(20)]


async def test_without_an_ack_a_refusal_is_an_error_event(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    await ada.sio.emit("room:create", {"kind": "odd"}, namespace="/chat")

    error = await ada.next_event("error")
    assert (error["event"], error["error"]["code"]) == ("room:create", "invalid_payload")


async def test_an_event_over_the_size_limit_is_refused_and_the_socket_stays_open(
    instance: LiveInstance,
) -> None:
    ada = await (await instance.register("ada")).connect_client()

    assert await code_of(ada, "room:create", kind="private", name="x" * 140_000) == "too_large"
    assert await ada.call("room:list")


async def test_a_payload_that_is_not_an_object_is_refused(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    for payload in ([], "text", 5, None, [1]):
        answer = await ada.sio.call("room:list", payload, namespace="/chat")
        assert answer["error"]["code"] == "invalid_payload"


async def test_unknown_fields_are_ignored(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    assert await ada.call("room:list", colour="blue")
