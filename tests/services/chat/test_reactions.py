"""Reactions: one for each emoji in any spelling, and limits per user."""

import pytest

from hubbub import models
from tests.support.live_instance import Client, LiveInstance

HEART, BARE_HEART = "\u2764\ufe0f", "\u2764"
FRUIT = list("🍏🍎🍐🍊🍋🍌🍉🍇🍓🍈🍒")


async def code_of(client: Client, event: str, **payload: object) -> str:
    answer = await client.call_for_ack(event, **payload)
    return "" if answer["ok"] else str(answer["error"]["code"])


@pytest.mark.parametrize(
    ("stored", "spelled"),
    [(HEART, BARE_HEART), ("👍", "👍\ufe0f"), ("🕵🏽‍♂️", "🕵🏽‍♂"), ("1\ufe0f\u20e3", "1\u20e3")],
    ids=ascii,
)
async def test_all_spellings_of_an_emoji_are_one_reaction(
    instance: LiveInstance, stored: str, spelled: str
) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message_id = (await ada.send(room_id, "hello"))["id"]

    await ada.call("reaction:add", message_id=message_id, emoji=stored)
    both = (await bob.call("reaction:add", message_id=message_id, emoji=spelled))["message"]
    again = (await ada.call("reaction:add", message_id=message_id, emoji=spelled))["message"]
    added = [await ada.next_event("reaction:added"), await ada.next_event("reaction:added")]
    left = (await ada.call("reaction:remove", message_id=message_id, emoji=spelled))["message"]
    removed = await bob.next_event("reaction:removed")

    assert both["reactions"] == [{"emoji": stored, "count": 2, "mine": True}]
    assert again["reactions"] == both["reactions"]
    assert left["reactions"] == [{"emoji": stored, "count": 1, "mine": False}]
    assert {each["emoji"] for each in (*added, removed)} == {stored}


async def test_reactions_of_a_user_are_limited(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message_id = (await ada.send(room_id, "hello"))["id"]

    answers = [await code_of(ada, "reaction:add", message_id=message_id, emoji=each) for each in FRUIT]
    again = await code_of(ada, "reaction:add", message_id=message_id, emoji=FRUIT[0])
    of_bob = await code_of(bob, "reaction:add", message_id=message_id, emoji=FRUIT[-1])
    await ada.call("reaction:remove", message_id=message_id, emoji=FRUIT[0])
    in_place = await code_of(ada, "reaction:add", message_id=message_id, emoji=FRUIT[-1])

    assert answers == [""] * 10 + ["conflict"]
    assert (again, of_bob, in_place) == ("", "", "")


async def test_kinds_of_reactions_of_a_message_are_limited(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message_id = (await ada.send(room_id, "hello"))["id"]
    owner = await models.User.get(username="ada")
    kinds = [chr(0x1F400 + number) for number in range(50)]
    await models.Reaction.bulk_create(
        [models.Reaction(message_id=message_id, user_id=owner.id, emoji=kind) for kind in kinds]
    )

    assert await code_of(bob, "reaction:add", message_id=message_id, emoji="🍏") == "conflict"
    assert await code_of(bob, "reaction:add", message_id=message_id, emoji=kinds[0]) == ""


async def test_a_reaction_of_an_earlier_release_can_be_removed_by_its_user(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    message_id = (await ada.send(room_id, "hello"))["id"]
    owner = await models.User.get(username="ada")
    await models.Reaction.create(message_id=message_id, user_id=owner.id, emoji="+1")

    of_bob = await code_of(bob, "reaction:remove", message_id=message_id, emoji="+1")
    left = (await ada.call("reaction:remove", message_id=message_id, emoji="+1"))["message"]
    again = await code_of(ada, "reaction:remove", message_id=message_id, emoji="+1")

    assert (of_bob, left["reactions"], again) == ("invalid_payload", [], "invalid_payload")
