"""Search finds the same messages on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub import models
from hubbub.core import clock, ids, words
from hubbub.core.errors import NotFound
from hubbub.models import search
from hubbub.services import database

# Few letters, so that texts meet; with what each script and each dialect makes a difference of.
BODIES = st.text(st.sampled_from("aab  éA世界世สวเ가각مَ👍👍🏽'\"*:|&!()\\\x00-ß1١"), max_size=12)


class Talk:
    """A few people in a few rooms."""

    def __init__(self, sql):
        self._sql = sql
        self._seq = 0

    async def user(self, name):
        return await models.User.create(username=name, email=f"{name}@example.org", display_name=name)

    async def room(self, *members):
        room = await models.Room.create(kind="private", name="room")
        for user in members:
            await models.Membership.create(room=room, user=user, role="member")
        return room

    async def say(self, room, sender, *bodies):
        """Messages, stored and indexed as one batch; returns their ids."""
        async with database.transaction() as tx:
            rows = [await self._store(room, sender, body) for body in bodies]
            await search.add(tx, rows)
        return [message_id for message_id, _, _ in rows]

    async def _store(self, room, sender, body):
        self._seq += 1
        row = await models.Message.create(
            room=room,
            sender=sender,
            seq=self._seq,
            client_id=ids.new(),
            body=_storable(body),
            created_at=clock.now(),
        )
        return (row.id, room.id, body)

    async def find(self, user, query, **filters):
        return await search.find(self._sql, user_id=user.id, query=query, **{"limit": 100, **filters})


def _storable(body):
    """Bodies are checked before they get here; the index takes whatever there is."""
    return body.replace("\x00", "").encode("utf-8", "replace").decode()


@pytest.fixture
def talk(sql):
    return Talk(sql)


@pytest.fixture
async def ada(talk):
    return await talk.user("ada")


@pytest.fixture
async def room(talk, ada):
    return await talk.room(ada)


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("Lunch at noon?", "lunch"),
        ("Lunch at noon?", "NOON lunch"),
        ("Lunch at noon?", "lun"),
        ("Lunch at noon?", "at no"),
        ("Un café s'il vous plaît", "cafe plait"),
        ("un cafe", "CAFÉ"),
        ("Die Straße ist lang", "STRASSE"),
        ("Привет, мир", "прив"),
        ("明日の東京タワーで会いましょう", "東京"),
        ("明日の東京タワーで会いましょう", "東京タ"),
        ("明日の東京タワーで会いましょう", "会い 東京"),
        ("ﾄｳｷｮｳ", "トウキョウ"),
        ("你好世界", "世界"),
        ("مُحَمَّد في المدرسة", "محمد"),
        ("مُحَمَّد في المدرسة", "المدرسه"),
        ("नमस्ते दुनिया", "नमस"),
        ("नमस्ते दुनिया", "दुनिया नमस्ते"),
        ("สวัสดีชาวโลก", "ชาวโลก"),
        ("안녕하세요 여러분", "안녕"),
        ("안녕하세요 여러분", "여러분 안녕하세요"),
        ("שָׁלוֹם עולם", "שלום"),
        ("Great 🎉 party", "🎉"),
        ("👍🏽", "👍"),
        ("x" * 5000, "x" * 5000),
        ("x" * 5000, "x" * 200),
        ("word " * 1600, "word word"),
        ("a 'quoted' \"text\" with \\ and *", "quoted text"),
        ("rock & roll | (live)", "rock & roll"),
        ("rock & roll | (live)", "(live)* | !roll"),
        ("never near NOT nothing OR AND NEAR", "NOT OR AND NEAR"),
        ("room: words: message_id", "words : room"),
        ("before\x00after", "after"),
        ("https://example.org/a-path?q=1", "example.org/a-path"),
        ("version 3.14.15", "3.14"),
    ],
)
async def test_a_message_is_found(talk, ada, room, body, query):
    (found,) = await talk.say(room, ada, body)
    await talk.say(room, ada, "nothing of that kind")

    assert await talk.find(ada, query) == [found]
    assert await talk.find(ada, query, room_id=room.id) == [found]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("Lunch at noon?", "lunch evening"),
        ("Lunch at noon?", "unch"),
        ("Lunch at noon?", "lun noon"),  # a word in the middle is meant as it stands
        ("世 and 界", "世界"),
        ("界世", "世界"),
        ("สวัสดี", "ดีสวัส"),
        ("안녕하세요", "하세요"),
        ("Great 🎉 party", "🎊"),
        ("anything", "..."),
        ("anything", ""),
        ("anything", "* | !"),
        ("anything", "\x00"),
    ],
)
async def test_a_message_is_not_found(talk, ada, room, body, query):
    await talk.say(room, ada, body)

    assert await talk.find(ada, query) == []


async def test_neither_a_room_nor_an_id_is_a_word(talk, ada, room):
    (message,) = await talk.say(room, ada, "hello")

    for query in (room.id.hex, str(room.id), str(message), message.hex, f"/{room.id.hex}"):
        assert await talk.find(ada, query) == []


@pytest.mark.parametrize("body", ["a" * 8000, "a " * 4000, "世" * 8000, "👍" * 8000, "é ü " * 2000, "" * 10])
async def test_the_longest_messages(talk, ada, room, body):
    (message,) = await talk.say(room, ada, body)

    assert await talk.find(ada, body[:8000] or "x") == ([message] if body else [])


@pytest.mark.parametrize("query", ["a " * 4000, "世" * 8000, "'" * 8000, '"' * 8000, "(" * 8000, "a*" * 4000])
async def test_the_longest_queries(talk, ada, room, query):
    await talk.say(room, ada, "something else")

    assert await talk.find(ada, query) == []


async def test_only_own_rooms(talk, ada):
    ben = await talk.user("ben")
    both, hers, his = await talk.room(ada, ben), await talk.room(ada), await talk.room(ben)
    (shared,) = await talk.say(both, ben, "hello")
    (own,) = await talk.say(hers, ada, "hello")
    (other,) = await talk.say(his, ben, "hello")

    assert await talk.find(ada, "hello") == [own, shared]
    assert await talk.find(ben, "hello") == [other, shared]
    assert await talk.find(ada, "hello", room_id=his.id) == []

    await models.Membership.filter(room=both, user=ada).delete()
    assert await talk.find(ada, "hello") == [own]


async def test_in_one_room_or_of_one_person(talk, ada):
    ben = await talk.user("ben")
    one, two = await talk.room(ada, ben), await talk.room(ada, ben)
    (first,) = await talk.say(one, ada, "hello")
    (second,) = await talk.say(one, ben, "hello")
    (third,) = await talk.say(two, ben, "hello")

    assert await talk.find(ada, "hello", room_id=one.id) == [second, first]
    assert await talk.find(ada, "hello", from_user_id=ben.id) == [third, second]
    assert await talk.find(ada, "hello", from_user_id=ben.id, room_id=one.id) == [second]
    assert await talk.find(ada, "hello", from_user_id=ids.new()) == []


async def test_page_by_page(talk, ada, room):
    said = await talk.say(room, ada, *("hello" if number % 3 else "other" for number in range(30)))
    wanted = [message for number, message in enumerate(said) if number % 3][::-1]

    for filters in ({}, {"room_id": room.id}):
        found, before = [], None
        while page := await talk.find(ada, "hello", limit=7, before=before, **filters):
            assert len(page) <= 7
            found += page
            before = page[-1]
        assert found == wanted


async def test_an_edited_message_is_found_by_its_new_words_in_its_old_place(talk, ada, room):
    first, second, third = await talk.say(room, ada, "one word", "two word", "three word")
    async with database.transaction() as tx:
        await search.replace(tx, second, room.id, "deux word")

    assert await talk.find(ada, "two") == []
    assert await talk.find(ada, "deux") == [second]
    assert await talk.find(ada, "word") == [third, second, first]
    assert await talk.find(ada, "word", before=second) == [first]


async def test_a_message_that_was_not_indexed_is_when_it_is_edited(talk, ada, room):
    message = await talk._store(room, ada, "hello")
    async with database.transaction() as tx:
        await search.replace(tx, message[0], room.id, "hello")

    assert await talk.find(ada, "hello") == [message[0]]


async def test_a_deleted_message_is_not_found_and_pages_go_on_past_it(talk, ada, room):
    first, second, third = await talk.say(room, ada, "hello", "hello", "hello")
    async with database.transaction() as tx:
        await search.remove(tx, second)

    assert await talk.find(ada, "hello") == [third, first]
    assert await talk.find(ada, "hello", before=second) == [first]

    await models.Message.filter(id=third).update(deleted_at=clock.now())
    assert await talk.find(ada, "hello") == [first]


async def test_the_words_of_a_message_go_with_it(sql, talk, ada, room):
    other = await talk.room(ada)
    await talk.say(other, ada, "hello")
    (left,) = await talk.say(room, ada, "hello")
    await models.Room.filter(id=other.id).delete()

    rows = await sql.fetch("SELECT message_id FROM message_words")
    assert [str(row["message_id"]) for row in rows] == [str(left)]


async def test_what_is_rolled_back_is_not_found(talk, ada, room):
    with pytest.raises(NotFound):  # noqa: PT012 - a transaction is a block
        async with database.transaction():
            await talk.say(room, ada, "hello")
            raise NotFound

    assert await talk.find(ada, "hello") == []


def _holds(body, query):
    """What a search is meant to do, said plainly."""
    asked, said = words.terms(query), words.words(body)
    for number, term in enumerate(asked):
        last = number == len(asked) - 1
        if not any(_fits(said[at : at + len(term)], term, last) for at in range(len(said))):
            return False
    return bool(asked)


def _fits(said, term, last):
    if not last:
        return said == term
    return len(said) == len(term) and said[:-1] == term[:-1] and said[-1].startswith(term[-1])


@given(bodies=st.lists(BODIES, min_size=1, max_size=8), queries=st.lists(BODIES, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_exactly_what_holds_the_words_is_found(talk, ada, room, bodies, queries):
    await models.Message.all().delete()
    said = dict(zip(await talk.say(room, ada, *bodies), bodies, strict=True))

    for query in [*queries, *bodies]:
        wanted = [message for message in reversed(said) if _holds(said[message], query)]
        assert await talk.find(ada, query) == wanted
        assert await talk.find(ada, query, room_id=room.id) == wanted
