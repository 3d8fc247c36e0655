"""Events of rooms and members: the happy path, a bad payload, not allowed, twice."""

from typing import Any
from uuid import uuid4

import pytest

from tests.realtime.chat.events.conftest import code_of
from tests.support.live_instance import LiveInstance


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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_a_socket_receives_the_entries_after_the_last_seq_of_room_added(instance: LiveInstance) -> None:
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob", kind="public")
    invited, joining = await instance.register("eve"), await instance.register("dan")
    others = [await invited.connect_client(), await invited.connect_client(), await joining.connect_client()]
    asking = await joining.connect_client()
    await ada.call("room:invite", room_id=room_id, user_id=invited.id)
    joined = await asking.call("room:join", room_id=room_id)
    sent = await ada.send(room_id, "hello")

    for client in (*others, asking):
        await client.next_event("message:new", lambda it: it["room_id"] == room_id)
    for client in others:
        added = next(it["room"] for name, it in client.events if name == "room:added")
        expected = list(range(added["last_seq"] + 1, sent["seq"] + 1))
        assert [it["seq"] for _, it in client.entries(room_id)] == expected
    # The socket that joined has the ack instead, and its own entry.
    assert [it["seq"] for _, it in asking.entries(room_id)] == [joined["room"]["last_seq"], sent["seq"]]


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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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
    assert (await bob.call("room:browse", query="100% gard"))["rooms"] == literal  # words, in any order
    assert (await bob.call("room:browse", query="garden tulip"))["rooms"] == []
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
