"""Views of messages with many reactions."""

from uuid import UUID

from hubbub import models
from hubbub.core import ids
from hubbub.db import database
from hubbub.queries.chat import message_pages, reactions
from hubbub.services.chat import message_views
from tests.support.live_instance import LiveInstance


async def test_many_reactions_are_counted_by_the_database(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    sent = await ada.send(room_id, "hello")
    await bob.call("reaction:add", message_id=sent["id"], emoji="🎉")
    users = [
        models.User(id=ids.uuid7(), username=f"u{n}", email=f"u{n}@example.org", display_name=f"U {n}")
        for n in range(300)
    ]
    await models.User.bulk_create(users)
    for emoji in ("🐝", "👀"):
        await models.Reaction.bulk_create(
            models.Reaction(id=ids.uuid7(), message_id=sent["id"], user_id=user.id, emoji=emoji)
            for user in users
        )
    rows = await reactions.counted(database.connection(), [UUID(sent["id"])], users[7].id)
    row = await models.Message.get(id=sent["id"]).select_related("sender")
    signer = instance.app.container.url_signer

    assert [each[1:] for each in rows] == [("🎉", 1, False), ("🐝", 300, True), ("👀", 300, True)]
    seen = (await message_views.load_view(row, None, signer)).reactions
    assert [(each.emoji, each.count) for each in seen] == [("🎉", 1), ("🐝", 300), ("👀", 300)]
    message = (await bob.call("reaction:add", message_id=sent["id"], emoji="👀"))["message"]
    assert message["reactions"][2] == {"emoji": "👀", "count": 301, "mine": True}


async def test_a_page_equals_its_messages_one_by_one(instance: LiveInstance) -> None:
    room_id, (ada, bob) = await instance.room_with_clients("ada", "bob")
    first = await ada.send(room_id, "hello @bob")
    await bob.send(room_id, "hi", reply_to=first["id"])
    await ada.call("message:edit", message_id=first["id"], body="hello again @bob")
    for emoji in ("🎉", "🐝", "👀"):  # not in the order of the emoji
        await ada.call("reaction:add", message_id=first["id"], emoji=emoji)
    await bob.call("reaction:add", message_id=first["id"], emoji="🐝")
    last = await ada.send(room_id, "gone soon")
    await ada.call("message:delete", message_id=last["id"])
    signer = instance.app.container.url_signer
    sql, room, viewer = database.connection(), UUID(room_id), UUID(bob.ready["user"]["id"])
    rows = await models.Message.filter(room_id=room).order_by("seq").select_related("sender")

    expected = [await message_views.load_view(row, viewer, signer) for row in rows]

    assert [message.deleted_at is None for message in expected] == [True, True, False]
    assert [(each.emoji, each.count, each.mine) for each in expected[0].reactions] == [
        ("🎉", 1, False),
        ("🐝", 2, True),
        ("👀", 1, False),
    ]
    page = await message_pages.after(sql, viewer, room, 0, 9)
    assert await message_views.page_views(page, signer) == expected
    assert await message_pages.before(sql, viewer, room, None, 2) == page[:0:-1]
    assert await message_pages.before(sql, viewer, room, page[2].seq, 9) == page[1::-1]
    assert {row.id: row for row in await message_pages.by_ids(sql, viewer, [row.id for row in rows])} == {
        row.id: row for row in page
    }
