"""Events of messages: the happy path, a bad payload, not allowed, twice."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from hubbub.ratelimit.rate import Rate
from hubbub.ratelimit.single_key import SingleKeyLimiter
from tests.realtime.chat.events.conftest import code_of
from tests.support.live_instance import LiveInstance


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


async def test_a_repeated_send_stores_nothing_and_returns_the_message_as_it_is(
    instance: LiveInstance,
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    client_id = str(uuid4())
    first = await ada.send(room_id, "hello", client_id=client_id)
    edited = (await ada.call("message:edit", message_id=first["id"], body="changed"))["message"]

    assert await ada.send(room_id, "hello", client_id=client_id) == edited
    assert (edited["id"], edited["seq"]) == (first["id"], first["seq"])
    await bob.synchronize()
    assert bob.count_events("message:new") == 1
    other = (await ada.call("room:create", kind="private"))["room"]["id"]
    assert await code_of(ada, "message:send", room_id=other, client_id=client_id, body="x") == "conflict"


async def test_repetitions_of_a_whole_burst_are_answered_and_take_no_token(instance: LiveInstance) -> None:
    """The acks of a burst were lost, and all of it is sent again while the limit is used up."""
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    cached_user = instance.app.container.membership_cache.get(UUID(instance.users["ada"].id))
    assert cached_user is not None
    burst = instance.settings.limit_message_send.burst  # type: ignore[union-attr]
    cached_user.message_limiter = SingleKeyLimiter(Rate(burst, 0.0001))
    client_ids = [str(uuid4()) for _ in range(burst)]
    sent = [await ada.send(room_id, "x", client_id=each) for each in client_ids]
    new = {"room_id": room_id, "body": "x"}
    assert await code_of(ada, "message:send", client_id=str(uuid4()), **new) == "rate_limited"

    again = [await ada.send(room_id, "x", client_id=each) for each in client_ids * 2]

    assert again == sent * 2
    assert await code_of(ada, "message:send", client_id=str(uuid4()), **new) == "rate_limited"
    await bob.synchronize()
    assert bob.count_events("message:new") == burst


async def test_a_repetition_of_an_older_message_takes_no_token(instance: LiveInstance) -> None:
    """Older than the remembered ones: it is found in the database, and the token is refunded."""
    room_id, (ada, _) = await instance.room_with_clients("ada", "bob")
    cached_user = instance.app.container.membership_cache.get(UUID(instance.users["ada"].id))
    assert cached_user is not None
    cached_user.message_limiter = SingleKeyLimiter(Rate(2, 0.0001))
    client_id = str(uuid4())
    first = await ada.send(room_id, "x", client_id=client_id)
    for _ in range(5):
        cached_user.forget_client_ids()
        assert await ada.send(room_id, "x", client_id=client_id) == first

    await ada.send(room_id, "the second token")
    new = {"room_id": room_id, "client_id": str(uuid4()), "body": "x"}
    assert await code_of(ada, "message:send", **new) == "rate_limited"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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
