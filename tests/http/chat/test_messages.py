"""/messages: the operations of /chat over REST; sockets receive their events."""

from urllib.parse import quote
from uuid import uuid4

import pytest


async def test_a_message_over_rest_reaches_sockets_once(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    body = {"client_id": str(uuid4()), "body": "hello"}

    answers = [
        await instance.users["ada"].rest("POST", f"/rooms/{room_id}/messages", json=body) for _ in range(2)
    ]

    assert answers[0] == answers[1]
    status, sent = answers[0]
    assert (status, sent["data"]["body"], sent["data"]["client_id"]) == (201, "hello", body["client_id"])
    for client in (ada, bob):
        assert (await client.next_event("message:new"))["message"] == sent["data"]
    await bob.synchronize()
    assert bob.count_events("message:new") == 1
    assert await instance.users["bob"].rest("GET", f"/messages/{sent['data']['id']}") == (200, sent)


async def test_the_same_client_id_in_another_room_is_a_conflict(instance):
    room_id, _ = await instance.room_with_clients("ada", "bob")
    ada = instance.users["ada"]
    _, other = await ada.rest("POST", "/rooms", json={"kind": "private"})
    body = {"client_id": str(uuid4()), "body": "hello"}

    assert (await ada.rest("POST", f"/rooms/{room_id}/messages", json=body))[0] == 201
    status, refusal = await ada.rest("POST", f"/rooms/{other['data']['id']}/messages", json=body)
    assert (status, refusal["code"]) == (409, "conflict")


async def test_history_is_paged(instance):
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    seqs = [(await ada.send(room_id, f"message {number}"))["seq"] for number in range(5)]
    path = f"/rooms/{room_id}/messages"
    bob = instance.users["bob"]

    async def page(query):
        status, answer = await bob.rest("GET", f"{path}?{query}")
        assert (status, set(answer), set(answer["meta"])) == (200, {"data", "meta"}, {"has_more"})
        return [each["seq"] for each in answer["data"]], answer["meta"]["has_more"]

    assert await page("") == (seqs, False)
    assert await page("limit=2") == (seqs[3:], True)
    assert await page(f"limit=2&before_seq={seqs[2]}") == (seqs[:2], False)
    assert await page(f"limit=2&after_seq={seqs[0]}") == (seqs[1:3], True)
    assert await page("after_seq=0&limit=100") == (seqs, False)
    for query in ("limit=101", "limit=0", "before_seq=x", "before_seq=-1", "before_seq=3&after_seq=1"):
        status, refusal = await bob.rest("GET", f"{path}?{query}")
        assert (status, refusal["code"]) == (422, "invalid_payload"), query
        assert refusal["errors"]


async def test_messages_are_searched(instance):
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    for text in ("the quick brown fox", "the lazy dog", "世界 foxes"):
        await ada.send(room_id, text)
    bob = instance.users["bob"]

    async def found(query):
        status, answer = await bob.rest("GET", f"/messages/search?{query}")
        assert (status, set(answer["meta"])) == (200, {"next_cursor"})
        return [each["body"] for each in answer["data"]], answer["meta"]["next_cursor"]

    assert await found("q=fox") == (["世界 foxes", "the quick brown fox"], None)
    assert await found(f"q=THE+qu&room_id={room_id}") == (["the quick brown fox"], None)
    assert await found(f"q={quote('世界')}") == (["世界 foxes"], None)
    bodies, cursor = await found("q=fox&limit=1")
    assert bodies == ["世界 foxes"]
    assert await found(f"q=fox&limit=1&cursor={cursor}") == (["the quick brown fox"], None)
    eve = await instance.register("eve")
    assert (await eve.rest("GET", "/messages/search?q=fox"))[1]["data"] == []


async def test_a_message_is_edited_and_deleted(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message = await ada.send(room_id, "helo")
    path = f"/messages/{message['id']}"

    status, edited = await instance.users["ada"].rest("PATCH", path, json={"body": "hello"})
    assert (status, edited["data"]["body"]) == (200, "hello")
    assert edited["data"]["edited_at"]
    assert (await bob.next_event("message:updated"))["message"]["body"] == "hello"
    status, refusal = await instance.users["bob"].rest("PATCH", path, json={"body": "ha"})
    assert (status, refusal["code"]) == (403, "forbidden")
    assert (await instance.users["bob"].rest("DELETE", path))[0] == 403
    status, deleted = await instance.users["ada"].rest("DELETE", path)
    assert (status, deleted["data"]["body"]) == (200, "")
    assert deleted["data"]["deleted_at"]
    assert (await bob.next_event("message:deleted"))["message_id"] == message["id"]


async def test_reactions_are_added_and_removed(instance):
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message = await ada.send(room_id, "hello")
    user = instance.users["bob"]
    path = f"/messages/{message['id']}/reactions/{quote('👍🏽')}"

    for _ in range(2):
        status, reacted = await user.rest("PUT", path)
        assert (status, reacted["data"]["reactions"]) == (200, [{"emoji": "👍🏽", "count": 1, "mine": True}])
    assert (await ada.next_event("reaction:added"))["emoji"] == "👍🏽"
    for _ in range(2):
        status, taken_back = await user.rest("DELETE", path)
        assert (status, taken_back["data"]["reactions"]) == (200, [])
    await bob.next_event("reaction:removed")
    for odd in ("%20", "%00", "x", "+1", "x" * 65):
        status, refusal = await user.rest("PUT", f"/messages/{message['id']}/reactions/{odd}")
        assert (status, refusal["code"]) == (422, "invalid_payload"), odd


async def test_messages_of_others_are_not_found(instance):
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    message = await ada.send(room_id, "hello")
    eve = await instance.register("eve")
    path = f"/messages/{message['id']}"

    for method, where, body in [
        ("GET", path, None),
        ("PATCH", path, {"body": "mine"}),
        ("DELETE", path, None),
        ("PUT", f"{path}/reactions/{quote('👍')}", None),
        ("DELETE", f"{path}/reactions/{quote('👍')}", None),
    ]:
        status, refusal = await eve.rest(method, where, json=body)
        assert (status, refusal["code"]) == (404, "not_found")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_invalid_message_is_refused(instance):
    room_id, _ = await instance.room_with_clients("ada", "bob")
    ada = instance.users["ada"]
    good = {"client_id": str(uuid4()), "body": "hello"}

    for changes, field in [
        ({"body": ""}, "body"),
        ({"body": "x" * 8001}, "body"),
        ({"body": 7}, "body"),
        ({"client_id": "mine"}, "client_id"),
        ({"reply_to": "that"}, "reply_to"),
        ({"colour": "red"}, "colour"),
    ]:
        status, refusal = await ada.rest("POST", f"/rooms/{room_id}/messages", json={**good, **changes})
        assert (status, [each["field"] for each in refusal["errors"]]) == (422, [field])
    _, history = await ada.rest("GET", f"/rooms/{room_id}/messages")
    assert history["data"] == []
