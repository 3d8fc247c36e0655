"""The index of the search follows the messages."""

import pytest

from hubbub import models
from hubbub.core import clock, ids
from hubbub.db import database
from hubbub.queries.chat import search
from tests.queries.chat.search.search_room import SearchRoom


async def test_an_edited_message_is_found_by_its_new_words_at_its_old_position(search_room):
    said = await search_room.say("word one", "word two", "word three")
    async with database.transaction() as tx:
        await search.replace(tx, said[0], search_room.room.id, "word changed")

    assert await search_room.find("changed") == [said[0]]
    assert await search_room.find("one") == []
    assert await search_room.find("word") == list(reversed(said))
    assert await search_room.find("changed", room_id=search_room.room.id) == [said[0]]


async def test_a_message_missing_from_the_index_is_added_when_replaced(search_room):
    (said,) = await search_room.say("word")
    empty = {"postgres": "UPDATE messages SET words = NULL", "sqlite": "DELETE FROM message_words"}
    await database.connection().execute(empty[database.dialect()])
    async with database.transaction() as tx:
        await search.replace(tx, said, search_room.room.id, "word")

    assert await search_room.find("word", room_id=search_room.room.id) == [said]


async def test_removed_and_deleted_messages_are_not_found(search_room):
    said = await search_room.say("word one", "word two", "word three")
    async with database.transaction() as tx:
        await search.remove(tx, said[0])
        await search.remove(tx, ids.uuid7())
    await models.Message.filter(id=said[1]).update(deleted_at=clock.now())

    assert await search_room.find("word") == [said[2]]


async def test_the_words_are_deleted_with_the_message(search_room, sql):
    other = await SearchRoom.make()
    await search_room.say("word one", "word two")
    kept = await other.say("word three")
    await models.Room.filter(id=search_room.room.id).delete()

    if sql.dialect == "sqlite":
        rows = await sql.fetch("SELECT message_id FROM message_words")
        assert [str(row["message_id"]) for row in rows] == [str(each) for each in kept]
    assert await other.find("word") == kept


async def test_a_failed_transaction_leaves_no_words(search_room):
    with pytest.raises(ValueError, match="no"):  # noqa: PT012 - a transaction is a block
        async with database.transaction() as tx:
            await search.add(tx, [])
            (said,) = await search_room.say("never")
            await search.replace(tx, said, search_room.room.id, "ever")
            raise ValueError("no")

    assert await search_room.find("never") == await search_room.find("ever") == []
