"""Search of messages: which words of a query match which texts."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hubbub.core import text_search
from tests.queries.chat.search.search_room import SearchRoom


async def finds_in_a_room(query, *bodies):
    """What the member of a new room with these messages finds; other rooms of the database are not theirs."""
    search_room = await SearchRoom.make()
    await search_room.say(*bodies)
    return await search_room.finds(query)


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


TEXTS = [
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
]


async def test_text_in_every_script_is_found(sql):
    found = [await finds_in_a_room(query, body, "something else") for body, query in TEXTS]

    assert found == [[body] for body, _ in TEXTS]


DIFFERENT_WORDS = [
    ("世界", "界世"),
    ("世 和 界", "世界"),
    ("हिन्दी", "हाथ"),
    ("мой", "мои"),
    ("👍 well 🎉", "👍🎉"),
    ("foo bar", "foobar"),
    ("회의를 서울에서", "울 회의"),
]


async def test_different_words_are_not_found(sql):
    found = {query: await finds_in_a_room(query, body) for body, query in DIFFERENT_WORDS}

    assert found == {query: [] for _, query in DIFFERENT_WORDS}


async def test_a_query_without_a_word_finds_nothing(search_room):
    await search_room.say("anything * \" ' ( ) -")

    for query in ("", "   ", "?!", "*", '"', "'", "()", "-", "\x00", "→", "\u200d"):
        assert await search_room.find(query) == [], query


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


async def test_operators_are_ordinary_words(sql):
    """Syntax of either query language is searched for literally."""
    for query in OPERATORS:
        search_room = await SearchRoom.make()
        await search_room.say("quite another matter")
        (held,) = await search_room.say(query.encode("utf-8", "ignore").decode().replace("\x00", " "))

        assert await search_room.find(query) in ([held], []), query
        assert await search_room.find(f"matter {query}") in ([], await search_room.find("matter")), query


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


# Few characters, so that texts collide, including those that scripts and dialects treat differently.
BODIES = st.text(st.sampled_from("aab  éA世界世สวเ가각مَ👍🏽'\"*:|&!()\\-ß1١"), max_size=12)


def _holds(body, query):
    """The reference implementation of a search."""
    asked, said = text_search.parse_terms(query), text_search.tokenize(body)
    return bool(asked) and all(
        any(_fits(said[at : at + len(term)], term, prefix=_is_prefix(term, asked)) for at in range(len(said)))
        for term in asked
    )


def _is_prefix(term, asked):
    """The last term is a prefix, and so is each that ends in Hangul, because particles follow it."""
    return term is asked[-1] or "\uac00" <= term[-1][-1] <= "\ud7a3"


def _fits(said, term, *, prefix):
    if not prefix:
        return said == term
    return len(said) == len(term) and said[:-1] == term[:-1] and said[-1].startswith(term[-1])


@given(bodies=st.lists(BODIES, min_size=1, max_size=8), queries=st.lists(BODIES, min_size=1, max_size=8))
@example(bodies=["가1:1"], queries=["가:1"])
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
