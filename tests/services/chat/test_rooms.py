"""Names of rooms: equality, in every operation."""

import pytest

from hubbub import models
from hubbub.services.chat import members
from hubbub.services.context import Context
from tests.support.live_instance import Client, LiveInstance

TWINS = [
    "st\u200baff",
    "st\u00adaff",
    "\uff33\uff34\uff21\uff26\uff26",
    " staff ",
    "st\U000e0061aff",
    "\ufb06aff",
]
GROWING = "\ufdfa"  # 18 characters after NFKC


async def code_of(client: Client, event: str, **payload: object) -> str:
    answer = await client.call_for_ack(event, **payload)
    return "" if answer["ok"] else str(answer["error"]["code"])


@pytest.mark.parametrize("twin", TWINS, ids=ascii)
async def test_the_name_of_a_public_room_is_unique(instance: LiveInstance, twin: str) -> None:
    ada = await (await instance.register("ada")).connect_client()
    room = (await ada.call("room:create", kind="public", name="staff"))["room"]
    other = (await ada.call("room:create", kind="public", name="stuff"))["room"]

    assert await code_of(ada, "room:create", kind="public", name=twin) == "conflict"
    assert await code_of(ada, "room:update", room_id=other["id"], name=twin) == "conflict"
    assert (await ada.call("room:join", name=twin))["room"]["id"] == room["id"]
    assert [each["id"] for each in (await ada.call("room:browse", query=twin))["rooms"]] == [room["id"]]


async def test_a_default_room_is_found_by_an_equivalent_name(instance: LiveInstance) -> None:
    ada = await instance.register("ada")
    room = (await (await ada.connect_client()).call("room:create", kind="public", name="staff"))["room"]
    bob = await instance.register("bob")
    container = instance.app.container
    container.settings = container.settings.model_copy(update={"default_rooms": ("ST\u200bAFF",)})

    await members.join_default_rooms(Context(container, (await models.User.get(username="bob")).id))

    assert await models.Membership.filter(user_id=bob.id, room_id=room["id"]).exists()


@pytest.mark.parametrize("length", [5, 13, 14, 80])
async def test_a_name_too_long_after_normalization_is_refused(instance: LiveInstance, length: int) -> None:
    ada = await (await instance.register("ada")).connect_client()
    room = (await ada.call("room:create", kind="private", name="a room"))["room"]
    name = GROWING * length

    answers = [
        await code_of(ada, "room:create", kind="public", name=name),
        await code_of(ada, "room:create", kind="private", name=name),
        await code_of(ada, "room:update", room_id=room["id"], name=name),
        await code_of(ada, "room:join", name=name),
    ]

    assert answers[:3] == ["invalid_payload"] * 3
    assert answers[3] == ("not_found" if length <= 13 else "invalid_payload")


async def test_a_name_and_a_topic_are_stored_without_surrounding_space(instance: LiveInstance) -> None:
    ada = await (await instance.register("ada")).connect_client()

    room = (await ada.call("room:create", kind="private", name="\u3000a room ", topic=" \u200b "))["room"]
    changed = (await ada.call("room:update", room_id=room["id"], topic="  of trees "))["room"]

    assert (room["name"], room["topic"], changed["topic"]) == ("a room", "", "of trees")
