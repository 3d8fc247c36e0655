"""Search of messages: who finds them, and the pages of the results."""

import pytest

from hubbub import models
from hubbub.core import ids
from hubbub.db import database
from hubbub.queries.chat import search
from tests.queries.chat.search.search_room import SearchRoom


async def test_only_members_find_messages(search_room):
    other = await SearchRoom.make()
    await search_room.say("a secret")
    await other.say("another secret")

    assert await search_room.finds("secret") == ["a secret"]
    await other.add_member(search_room.user)
    assert await search_room.finds("secret") == ["another secret", "a secret"]
    await models.Membership.filter(room=search_room.room, user=search_room.user).delete()
    assert await search_room.finds("secret") == ["another secret"]
    assert await search_room.find("secret", user_id=ids.uuid7()) == []


@pytest.mark.parametrize("few", [0, 1, 2])
async def test_members_of_few_and_of_many_rooms_find_the_same(search_room, monkeypatch, few):
    """SQLite lists the rooms of members of a few, and checks message by message for the others."""
    monkeypatch.setattr(search, "MAX_LISTED_ROOMS", few)
    other, third = await SearchRoom.make(), await SearchRoom.make()
    await other.add_member(search_room.user)
    for each in (search_room, other, third):
        await each.say("word")

    assert len(await search_room.find("word")) == 2
    assert len(await third.find("word")) == 1
    assert await search_room.find("word", user_id=ids.uuid7()) == []


async def test_a_search_may_be_limited_to_one_room(search_room):
    other = await SearchRoom.make()
    await other.add_member(search_room.user)
    await search_room.say("here it is")
    await other.say("there it is", f"is it {search_room.room.id.hex}", f"is it /{search_room.room.id.hex}")

    assert await search_room.finds("is it", room_id=search_room.room.id) == ["here it is"]
    assert len(await search_room.finds("is it", room_id=other.room.id)) == 3
    assert await search_room.finds("is it", room_id=ids.uuid7()) == []


async def test_a_room_name_is_not_in_the_index(search_room):
    """The index holds the room beside the words: no word is to match it."""
    (said,) = await search_room.say("hello")
    written = search_room.room.id.hex

    for query in (
        written,
        f"/{written}",
        f"r{written}",
        written[:3],
        "r",
        "/",
        "0",
        "01",
        str(search_room.room.id),
        str(said),
    ):
        assert await search_room.find(query) == []


async def test_a_search_may_be_limited_to_one_sender(search_room):
    other = await SearchRoom.make()
    await search_room.say("mine is here")
    await search_room.say("theirs is here", by=other.user)

    assert await search_room.finds("here", from_user_id=other.user.id) == ["theirs is here"]
    assert await search_room.finds("here", from_user_id=other.user.id, room_id=other.room.id) == []


async def test_pages_go_from_new_to_old_without_gap_or_duplicate(search_room):
    said = await search_room.say(*(f"word {number}" for number in range(25)))
    pages, before = [], None
    while page := await search_room.find("word", limit=10, before=before):
        pages.append(page)
        before = page[-1]

    assert [len(page) for page in pages] == [10, 10, 5]
    assert sum(pages, []) == list(reversed(said))  # noqa: RUF017 - three pages


async def test_the_last_message_of_a_page_may_be_edited_or_deleted_between_pages(search_room):
    said = await search_room.say(*(f"word {number}" for number in range(6)))
    async with database.transaction() as tx:
        await search.replace(tx, said[3], search_room.room.id, "changed")
        await search.remove(tx, said[2])

    assert await search_room.find("word", before=said[3]) == [said[1], said[0]]
    assert await search_room.find("word", before=said[2]) == [said[1], said[0]]
    assert await search_room.find("word") == [said[5], said[4], said[1], said[0]]
