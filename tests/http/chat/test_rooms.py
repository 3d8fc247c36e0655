"""/rooms: the operations of /chat over REST; what they do in detail is tested with their services."""

from uuid import uuid4

import pytest

ROOM = {"id", "kind", "name", "topic", "created_by", "created_at", "last_seq", "member_count", "my"}
ROOM |= {"peer", "last_message"}


async def test_a_room_is_created_read_and_changed(instance):
    ada = await instance.register("ada")
    client = await ada.connect_client()

    status, made = await ada.rest(
        "POST", "/rooms", json={"kind": "private", "name": "plans", "topic": "ours"}
    )

    assert status == 201
    assert set(made["data"]) == ROOM
    room_id = made["data"]["id"]
    assert (await client.next_event("room:added"))["room"]["id"] == room_id
    status, changed = await ada.rest("PATCH", f"/rooms/{room_id}", json={"topic": "still ours"})
    assert (status, changed["data"]["topic"], changed["data"]["name"]) == (200, "still ours", "plans")
    assert (await client.next_event("room:updated"))["room"]["topic"] == "still ours"
    assert await ada.rest("GET", f"/rooms/{room_id}") == (200, changed)


async def test_a_new_room_has_a_location(instance):
    ada = await instance.register("ada")
    headers = {"Authorization": f"Bearer {ada.token}"}
    async with instance.http.post(
        f"{instance.url}/api/v1/rooms", json={"kind": "private"}, headers=headers
    ) as answer:
        assert answer.headers["Location"] == f"/api/v1/rooms/{(await answer.json())['data']['id']}"


async def test_own_rooms_are_paged(instance):
    ada = await instance.register("ada")
    for number in range(4):
        await ada.rest("POST", "/rooms", json={"kind": "private", "name": f"room {number}"})

    found, cursor = [], ""
    while cursor is not None:
        status, page = await ada.rest(
            "GET", f"/rooms?limit=2&cursor={cursor}" if cursor else "/rooms?limit=2"
        )
        assert (status, set(page), set(page["meta"])) == (200, {"data", "meta"}, {"next_cursor"})
        found += [room["name"] for room in page["data"]]
        cursor = page["meta"]["next_cursor"]

    assert found == ["room 3", "room 2", "room 1", "room 0", "general"]


async def test_public_rooms_are_listed_joined_and_left(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    _, made = await ada.rest("POST", "/rooms", json={"kind": "public", "name": "Gardening"})
    room_id = made["data"]["id"]

    status, found = await bob.rest("GET", "/rooms/public?q=garden")
    assert (status, [(room["id"], room["my"]) for room in found["data"]]) == (200, [(room_id, None)])
    assert found["meta"] == {"next_cursor": None}
    status, refusal = await bob.rest("GET", f"/rooms/{room_id}/messages")
    assert (status, refusal["code"]) == (403, "not_a_member")
    for _ in range(2):  # joining again is no error
        status, joined = await bob.rest("POST", f"/rooms/{room_id}/join")
        assert (status, joined["data"]["my"]["role"], joined["data"]["member_count"]) == (200, "member", 2)
    assert await bob.rest("POST", f"/rooms/{room_id}/leave") == (204, None)
    assert (await bob.rest("POST", f"/rooms/{room_id}/leave"))[0] == 403


async def test_members_are_added_changed_and_removed(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")
    _, made = await ada.rest("POST", "/rooms", json={"kind": "private"})
    members = f"/rooms/{made['data']['id']}/members"

    assert await ada.rest("POST", members, json={"user_id": bob.id}) == (204, None)
    status, page = await ada.rest("GET", f"{members}?limit=1")
    assert (status, [each["user"]["username"] for each in page["data"]]) == (200, ["ada"])
    assert set(page["data"][0]) == {"user", "role", "status"}
    _, page = await ada.rest("GET", f"{members}?limit=1&cursor={page['meta']['next_cursor']}")
    assert [each["user"]["username"] for each in page["data"]] == ["bob"]
    status, refusal = await bob.rest("PATCH", f"{members}/{ada.id}", json={"role": "member"})
    assert (status, refusal["code"]) == (403, "forbidden")
    answer = await ada.rest("PATCH", f"{members}/{bob.id}", json={"role": "moderator"})
    assert answer == (200, {"data": {"role": "moderator"}})
    assert (await ada.rest("PATCH", f"{members}/{bob.id}", json={"role": "king"}))[0] == 422
    assert await ada.rest("DELETE", f"{members}/{bob.id}") == (204, None)
    assert (await ada.rest("DELETE", f"{members}/{bob.id}"))[0] == 404
    assert (await bob.rest("GET", members))[0] == 404


async def test_a_room_is_marked_as_read(instance):
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    bob = instance.users["bob"]
    message = await ada.send(room_id, "hello")

    _, room = await bob.rest("GET", f"/rooms/{room_id}")
    assert room["data"]["my"]["unread"] == 1
    answer = await bob.rest("POST", f"/rooms/{room_id}/read", json={"seq": 10**30})
    assert answer == (200, {"data": {"last_read_seq": message["seq"], "unread": 0, "mentions": 0}})


async def test_an_existing_direct_room_is_returned(instance):
    ada, bob = await instance.register("ada"), await instance.register("bob")

    made = [
        await one.rest("POST", "/rooms", json={"kind": "direct", "member_ids": [other.id]})
        for one, other in ((ada, bob), (bob, ada), (ada, bob))
    ]

    assert len({answer["data"]["id"] for _, answer in made}) == 1


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_invalid_room_is_refused(instance):
    ada = await instance.register("ada")
    cases = [
        ({}, 422, "invalid_payload"),
        ({"kind": "secret"}, 422, "invalid_payload"),
        ({"kind": "public"}, 422, "invalid_payload"),
        ({"kind": "private", "titel": "typo"}, 422, "invalid_payload"),
        ({"kind": "public", "name": "GENERAL"}, 409, "conflict"),
        ({"kind": "private", "member_ids": [str(uuid4())]}, 404, "not_found"),
    ]
    for body, status, code in cases:
        got, refusal = await ada.rest("POST", "/rooms", json=body)
        assert (got, refusal["code"]) == (status, code), body


async def test_rooms_of_others_are_not_found(instance):
    room_id, _ = await instance.room_with_clients("ada", "bob")
    eve = await instance.register("eve")

    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"topic": "mine"}),
        ("GET", "/messages", None),
        ("POST", "/messages", {"client_id": str(uuid4()), "body": "hello"}),
        ("GET", "/members", None),
        ("POST", "/members", {"user_id": eve.id}),
        ("POST", "/join", None),
        ("POST", "/leave", None),
        ("POST", "/read", {"seq": 1}),
        ("DELETE", f"/members/{instance.users['bob'].id}", None),
    ]:
        status, refusal = await eve.rest(method, f"/rooms/{room_id}{path}", json=body)
        assert (status, refusal["code"]) == (404, "not_found"), (method, path)
