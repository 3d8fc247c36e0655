"""Properties of all events: order, acks, errors and sizes."""

from uuid import uuid4

import pytest

from hubbub.realtime.chat import events
from tests.realtime.chat.events.conftest import code_of
from tests.support.live_instance import LiveInstance


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
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


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_without_an_ack_a_refusal_is_an_error_event(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    await ada.sio.emit("room:create", {"kind": "odd"}, namespace="/chat")

    error = await ada.next_event("error")
    assert (error["event"], error["error"]["code"]) == ("room:create", "invalid_payload")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_an_event_over_the_size_limit_is_refused_and_the_socket_stays_open(
    instance: LiveInstance,
) -> None:
    ada = await (await instance.register("ada")).connect_client()

    assert await code_of(ada, "room:create", kind="private", name="x" * 140_000) == "too_large"
    assert await ada.call("room:list")


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_a_payload_that_is_not_an_object_is_refused(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    for payload in ([], "text", 5, None, [1]):
        answer = await ada.sio.call("room:list", payload, namespace="/chat")
        assert answer["error"]["code"] == "invalid_payload"


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)  # of the edge alone
async def test_unknown_fields_are_ignored(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    assert await ada.call("room:list", colour="blue")
