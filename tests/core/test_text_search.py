"""Text as words, for search."""

import sqlite3
import string
import time
import unicodedata
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core import text_search


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hello, World!", "hello world"),
        ("  \n\t ", ""),
        ("?!… — §", ""),
        ("don't panic", "don t panic"),
        ("snake_case kebab-case a.b/c", "snake case kebab case a b c"),
        ("v1.2.3 at 10:30", "v1 2 3 at 10 30"),
        ("mail ada@example.org", "mail ada example org"),
        # case, width, accents
        ("CAFÉ Café cafe\u0301", "cafe cafe cafe"),
        ("Straße STRASSE", "strasse strasse"),
        ("Ångström naïve Łódź Søren Æsir œuvre", "angstrom naive lodz soren aesir oeuvre"),
        ("İstanbul ISTANBUL ırmak", "istanbul istanbul irmak"),
        ("ｆｕｌｌ　ｗｉｄｔｈ １２", "full width 12"),
        ("ﬁne ½ x²", "fine 1 2 x2"),
        # other alphabets
        ("Καλημέρα ΚΌΣΜΟΣ", "καλημερα κοσμοσ"),
        ("Мой ёж, за́мок", "мой еж замок"),
        ("Її їжак", "її їжак"),
        ("שָׁלוֹם שלום", "שלום שלום"),
        ("كِتَابٌ كتـــاب", "كتاب كتاب"),
        ("أحمد إلى مدرسة", "احمد الي مدرسه"),
        ("علی کتاب می\u200cخواهم", "علي كتاب ميخواهم"),
        ("हिन्दी में", "हिन्दी में"),
        ("தமிழ் বাংলা", "தமிழ் বাংলা"),
        ("한국어 단어", "한국어 단어"),
        ("٣ ۳ ३ ๓", "3 3 3 3"),
        # without spaces
        ("世界你好", "世 界 你 好"),
        ("東京タワーでtea、100年", "東 京 タ ワ ー で tea 100 年"),
        ("ｶﾞ", "ガ"),
        ("ภาษาไทย", "ภ า ษ า ไ ท ย"),
        ("ລາວ ខ្មែរ မြန်မာ", "ລ າ ວ ខ ្ ម ែ រ မ ြ န ် မ ာ"),
        # emoji
        ("great 🎉🎉 work👍🏽!", "great 🎉 🎉 work 👍"),
        ("👩\u200d💻 ❤\ufe0f ❤", "👩 💻 ❤ ❤"),
        ("1\ufe0f\u20e3 → ─│ ©", "1"),
        # what must not get through
        ("a\x00b\x1fc\u2028d", "a b c d"),
        ("soft\u00adhyphen zero\u200bwidth \u202eevil\ufeff", "softhyphen zerowidth evil"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("o'clock \"quoted\" (a:*) \\ 'x':1", "o clock quoted a x 1"),
    ],
)
def test_words_of_a_text(text, found):
    assert text_search.tokenize(text) == found.split()


def test_long_words_and_long_texts_are_cut():
    assert text_search.tokenize("a" * 500) == ["a" * text_search.MAX_WORD_CHARS]
    assert text_search.tokenize("é" * 500) == ["e" * text_search.MAX_WORD_CHARS]
    assert (
        len(text_search.tokenize("a " * 20_000))
        == len(text_search.tokenize("é " * 20_000))
        == text_search.MAX_WORDS
    )


@given(st.text(alphabet=string.printable))
def test_the_fast_path_finds_the_same_as_the_slow_one(text):
    assert text_search.tokenize(text + " é") == [*text_search.tokenize(text), "e"]


@given(st.text())
def test_a_word_is_safe_in_every_position(text):
    for word in text_search.tokenize(text):
        assert word
        assert not any(character in "'\"\\:*&|!()<>/ \x00\x1f" for character in word)
        assert not any(character.isspace() for character in word)
        assert word.isascii() <= word.isalnum()


@given(st.text(), st.text())
def test_words_do_not_depend_on_their_neighbours(left, right):
    words = text_search.tokenize(left) + text_search.tokenize(right)
    assert text_search.tokenize(f"{left} . {right}") == words


@pytest.mark.parametrize(
    ("text", "tsquery", "fts5"),
    [
        ("hello", "('hello':*)", 'words : ("hello" *)'),
        ("Hello, wor", "('hello') & ('wor':*)", 'words : ("hello" AND "wor" *)'),
        ("世界", "('世' <-> '界':*)", 'words : ("世 界" *)'),
        (
            "世界 你好 tea",
            "('世' <-> '界') & ('你' <-> '好') & ('tea':*)",
            'words : ("世 界" AND "你 好" AND "tea" *)',
        ),
        ("東京tower", "('東' <-> '京' <-> 'tower':*)", 'words : ("東 京 tower" *)'),
        ("서울 회의", "('서울':*) & ('회의':*)", 'words : ("서울" * AND "회의" *)'),
        ("서울 a 회의", "('서울':*) & ('a') & ('회의':*)", 'words : ("서울" * AND "a" AND "회의" *)'),
        ("東서울 tea", "('東' <-> '서울':*) & ('tea':*)", 'words : ("東 서울" * AND "tea" *)'),
        ("a AND b", "('a') & ('and') & ('b':*)", 'words : ("a" AND "and" AND "b" *)'),
    ],
)
def test_a_query_matches_all_words_and_the_prefix_of_the_last(text, tsquery, fts5):
    assert text_search.parse_query(text) == (tsquery, fts5)


@pytest.mark.parametrize("text", ["", " ", "?!", "\x00", "'", '"', "*", "()", "→ …"])
def test_a_query_without_a_word_is_empty(text):
    assert text_search.parse_query(text) is None


def test_a_query_has_a_maximum_length():
    assert len(text_search.parse_terms("a " * 1000)) == text_search.MAX_TERMS
    assert len(text_search.parse_terms("世" * 1000)[0]) == text_search.MAX_WORD_CHARS


def test_a_vector_contains_the_positions_of_each_word():
    assert text_search.tsvector("to be or not to be", "room") == "'to':1,5 'be':2,6 'or':3 'not':4 '/room'"
    assert text_search.tsvector("", "room") == "'/room'"
    assert text_search.with_label("('to':*)", "room") == "'/room' & ('to':*)"


def test_the_positions_of_a_word_are_bounded():
    assert (
        text_search.tsvector("a " * 1000, "room").partition(" ")[0].count(",")
        == text_search.MAX_POSITIONS - 1
    )


# Anything that a client may send, with more of the characters that have special rules.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "abzAZ019 \t\n\x00\x1f'\"\\*:&|!()<->^_éÉßİıσςøŁѐйЙёمَكٱآنِहि์กำ가각世界日本ーガパー゙①½ﬁ👍🏽👩‍💻🇩🇪️"
        ),
    ),
    max_size=60,
)


@given(TEXTS)
def test_a_query_of_the_whole_text_matches_the_words_of_the_text(text):
    asked = [word for term in text_search.parse_terms(text) for word in term]

    assert asked == text_search.tokenize(text) or len(text_search.parse_terms(text)) == text_search.MAX_TERMS


@given(TEXTS)
def test_composed_or_not_a_text_has_the_same_words(text):
    assert text_search.tokenize(unicodedata.normalize("NFD", text)) == text_search.tokenize(
        unicodedata.normalize("NFC", text)
    )


@given(TEXTS)
def test_sqlite_uses_the_words_unchanged(text):
    """Its tokenizer splits at spaces alone."""
    made = text_search.tokenize(text)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5(words, tokenize = 'ascii')")
        connection.execute("CREATE VIRTUAL TABLE seen USING fts5vocab(texts, instance)")
        connection.execute("INSERT INTO texts VALUES (?)", [" ".join(made)])
        seen = [word for (word,) in connection.execute('SELECT term FROM seen ORDER BY "offset"')]

    assert seen == made


def test_a_body_of_combining_marks_takes_bounded_time() -> None:
    body = "a" + "".join(chr(0x300 + number * 7 % 112) for number in range(7999))
    began = time.thread_time()

    assert text_search.tokenize(body)

    assert time.thread_time() - began < 0.1
