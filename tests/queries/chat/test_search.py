"""The search index, the same on both databases."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hubbub import models
from hubbub.core import clock, ids, text_search
from hubbub.db import database
from hubbub.queries.chat import search


class SearchRoom:
    """A room, its only member, and its messages."""

    def __init__(self, room, user):
        self.room = room
        self.user = user
        self._seq = 0

    @classmethod
    async def make(cls):
        name = f"u{ids.uuid7().hex[-12:]}"
        user = await models.User.create(username=name, email=f"{name}@example.org", display_name=name)
        search_room = cls(await models.Room.create(kind="private"), user)
        await search_room.add_member(user)
        return search_room

    async def add_member(self, user):
        await models.Membership.create(room=self.room, user=user, role="member")

    async def say(self, *bodies, by=None):
        """Messages, in one transaction; returns their ids."""
        rows = []
        for body in bodies:
            self._seq += 1
            message = models.Message(
                room_id=self.room.id,
                seq=self._seq,
                sender_id=(by or self.user).id,
                client_id=ids.uuid7(),
                body=body,
                created_at=clock.now(),
            )
            rows.append(message)
        async with database.transaction() as tx:
            await models.Message.bulk_create(rows)
            await search.add(tx, [(row.id, self.room.id, row.body) for row in rows])
        return [row.id for row in rows]

    async def find(self, query, **filters):
        """What its member finds, newest first."""
        given = {"limit": 50, "user_id": self.user.id, **filters}
        return await search.find(database.connection(), query=query, **given)

    async def finds(self, query, **filters):
        """The bodies of it."""
        found = await self.find(query, **filters)
        bodies = {row.id: row.body for row in await models.Message.filter(id__in=found)}
        return [bodies[each] for each in found]


@pytest.fixture
async def search_room(sql):
    """An empty room."""
    return await SearchRoom.make()


# --- words ---


async def test_all_words_must_match_in_any_order(search_room):
    await search_room.say("the quick brown fox", "a quick fix", "brown bread")

    assert await search_room.finds("quick fox") == ["the quick brown fox"]
    assert await search_room.finds("fox quick") == ["the quick brown fox"]
    assert await search_room.finds("quick") == ["a quick fix", "the quick brown fox"]
    assert await search_room.finds("quick bread") == []


async def test_the_last_word_may_be_a_prefix(search_room):
    await search_room.say("a quick fix", "quickly then")

    assert await search_room.finds("quic") == ["quickly then", "a quick fix"]
    assert await search_room.finds("quick f") == ["a quick fix"]
    assert await search_room.finds("quic fix") == []
    assert await search_room.finds("uick") == []


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("un café crème", "cafe"),
        ("the cafe", "CAFÉ"),
        ("Straße", "strasse"),
        ("Привет, мир", "привет МИ"),
        ("ёлка", "елка"),
        ("Καλημέρα", "ΚΑΛΗΜΕΡΑ"),
        ("كِتَابٌ جديد", "كتاب"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी में लिखा", "हिन्दी"),
        ("हिन्दी में लिखा", "हिन"),
        ("한국어로 말하기", "한국어"),
        ("서울에서 회의를", "서울 회의"),
        ("회의를 서울에서", "서울 회의"),
        ("東서울에서 tea", "東서울 tea"),
        ("你好世界", "世界"),
        ("你好世界", "好"),
        ("東京タワー", "タワー"),
        ("ﾄｳｷｮｳ", "トウキョウ"),
        ("สวัสดีชาวโลก", "ชาว"),
        ("ສະບາຍດີ", "ບາຍ"),
        ("មិត្តភក្តិ", "ភក្តិ"),
        ("party 🎉 tonight", "🎉"),
        ("well done 👍🏽", "👍"),
        ("👩‍💻 at work", "👩‍💻"),
        ("１２３ ４５６", "123 45"),
        ("v1.2.3", "v1.2"),
        ("ada@example.org", "ada@exam"),
        ("C++ and C#", "c++"),
        ("it's o'clock", "o'clock"),
        ("𝔉𝔯𝔞𝔨𝔱𝔲𝔯", "fraktur"),
        ("𠮷野家", "𠮷野"),
    ],
)
async def test_text_in_every_script_is_found(search_room, body, query):
    await search_room.say(body, "something else")

    assert await search_room.finds(query) == [body]


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ("世界", "界世"),
        ("世 和 界", "世界"),
        ("हिन्दी", "हाथ"),
        ("мой", "мои"),
        ("👍 well 🎉", "👍🎉"),
        ("foo bar", "foobar"),
        ("회의를 서울에서", "울 회의"),
    ],
)
async def test_different_words_are_not_found(search_room, body, query):
    await search_room.say(body)

    assert await search_room.finds(query) == []


@pytest.mark.parametrize("query", ["", "   ", "?!", "*", '"', "'", "()", "-", "\x00", "→", "\u200d"])
async def test_a_query_without_a_word_finds_nothing(search_room, query):
    await search_room.say("anything * \" ' ( ) -")

    assert await search_room.find(query) == []


OPERATORS = [
    "this AND that",
    "this OR that",
    "this NOT that",
    "NEAR(this that)",
    'NEAR("this" "that", 5)',
    '"this that"',
    "this*",
    "^this",
    "words:this",
    "message_id:this",
    "-this",
    "this & that",
    "this | that",
    "!this",
    "this:*",
    "this <-> that",
    "'this'",
    "this' OR '1'='1",
    '") OR ("',
    "this\\",
    "$1",
    "?1",
    ":name",
    "%s",
    "this;",
    "--",
    "/*",
    "{this that}: x",
    "this + that",
    "r:this",
    "/this",
    "this\x00that",
    "(((((",
    "''''",
    "𝄞 this",
    "\ud83d",
]


@pytest.mark.parametrize("query", OPERATORS)
async def test_operators_are_ordinary_words(search_room, query):
    """Syntax of either query language is searched for literally."""
    await search_room.say("quite another matter")
    (held,) = await search_room.say(query.encode("utf-8", "ignore").decode().replace("\x00", " "))

    assert await search_room.find(query) in ([held], [])
    assert await search_room.find(f"matter {query}") in ([], await search_room.find("matter"))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00")))
async def test_a_message_is_found_by_its_own_text(sql, text):
    search_room = await SearchRoom.make()
    said = await search_room.say(text)

    assert await search_room.find(text) in (said, [])
    assert await search_room.find(text + " zzz") == []


async def test_a_long_text_is_found_by_its_end(search_room):
    (said,) = await search_room.say(" ".join(f"w{number}" for number in range(2000)) + " last")

    assert await search_room.find("last") == [said]
    assert await search_room.find("w0 w1999 las") == [said]


# --- permissions ---


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


# --- pages ---


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


# --- changes ---


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
    await database.connection().execute("DELETE FROM message_words")
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


# --- the rule ---

# Few characters, so that texts collide, including those that scripts and dialects treat differently.
BODIES = st.text(st.sampled_from("aab  éA世界世สวเ가각مَ👍🏽'\"*:|&!()\\-ß1١"), max_size=12)


def _holds(body, query):
    """The reference implementation of a search."""
    asked, said = text_search.parse_terms(query), text_search.tokenize(body)
    return bool(asked) and all(
        any(_fits(said[at : at + len(term)], term, last=term is asked[-1]) for at in range(len(said)))
        for term in asked
    )


def _fits(said, term, *, last):
    if not last:
        return said == term
    return len(said) == len(term) and said[:-1] == term[:-1] and said[-1].startswith(term[-1])


@given(bodies=st.lists(BODIES, min_size=1, max_size=8), queries=st.lists(BODIES, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_exactly_the_matching_messages_are_found(sql, bodies, queries):
    search_room = await SearchRoom.make()
    said = dict(zip(await search_room.say(*bodies), bodies, strict=True))

    for query in [*queries, *bodies]:
        wanted = [message for message in reversed(said) if _holds(said[message], query)]
        assert await search_room.find(query) == wanted
        assert await search_room.find(query, room_id=search_room.room.id) == wanted


@pytest.mark.parametrize("body", ["a" * 8000, "a " * 4000, "世" * 8000, "👍" * 8000, "é ü " * 2000])
async def test_the_longest_messages_are_indexed(search_room, body):
    (message,) = await search_room.say(body)

    assert await search_room.find(body) == [message]


@pytest.mark.parametrize("query", ["a " * 4000, "世" * 8000, "'" * 8000, '"' * 8000, "(" * 8000, "a*" * 4000])
async def test_the_longest_queries_are_accepted(search_room, query):
    await search_room.say("something else")

    assert await search_room.find(query) == []
