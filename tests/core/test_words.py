"""Words of texts and of queries, in the scripts that people write in."""

import sqlite3
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.core import words

# Whatever a client may send, and more often what has rules of its own.
TEXTS = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "abzAZ019 \t\n\x00\x1f'\"\\*:&|!()<->^_éÉßİıσςøŁѐйЙёمَكٱآنِहि์กำ가각世界日本ーガパー゙①½ﬁ👍🏽👩‍💻🇩🇪️"
        ),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \t\n.,;!?-_()[]\"'\\", []),
        ("Hello, World!", ["hello", "world"]),
        ("it's 3.14 o'clock", ["it", "s", "3", "14", "o", "clock"]),
        ("snake_case kebab-case a/b", ["snake", "case", "kebab", "case", "a", "b"]),
        ("Café CAFÉ cafe\u0301", ["cafe", "cafe", "cafe"]),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("Größe, señor, Øre, Łódź", ["grosse", "senor", "ore", "lodz"]),
        ("İstanbul ISTANBUL ıstanbul", ["istanbul", "istanbul", "istanbul"]),
        ("ΟΔΟΣ οδός", ["οδοσ", "οδοσ"]),
        ("Привет ёж Йод", ["привет", "еж", "йод"]),
        ("ﬁne ｆｕｌｌ ① ½", ["fine", "full", "1", "1", "2"]),
        ("世界", ["世", "界"]),
        ("Python入門2026年", ["python", "入", "門", "2026", "年"]),
        ("ｶﾞｲﾄﾞ ガイド", ["ガ", "イ", "ド", "ガ", "イ", "ド"]),
        ("안녕 하세요", ["안녕", "하세요"]),
        ("안녕", ["안녕"]),
        ("مُحَمَّد محمد", ["محمد", "محمد"]),
        ("مدرسة مدرسه", ["مدرسه", "مدرسه"]),
        ("کتاب كتاب", ["كتاب", "كتاب"]),
        ("٣٤ ۳۴ ३४", ["34", "34", "34"]),
        ("שָׁלוֹם שלום", ["שלום", "שלום"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("สวัสดี", ["ส", "ว", "ั", "ส", "ด", "ี"]),
        ("👍 party🎉time", ["👍", "party", "🎉", "time"]),
        ("👍🏽👍", ["👍", "👍"]),
        ("❤\ufe0f ❤", ["❤", "❤"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("a\x00b\x1fc", ["a", "b", "c"]),
        ("lone \ud83d surrogate", ["lone", "surrogate"]),
        ("→ ═ ∑", []),
    ],
)
def test_the_words_of_a_text(text, expected):
    assert words.words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello wor", [["hello"], ["wor"]]),
        ("世界 hello", [["世", "界"], ["hello"]]),
        ("東京tower", [["東", "京", "tower"]]),
        ("สวัส", [["ส", "ว", "ั", "ส"]]),
        ("can't", [["can"], ["t"]]),
        ("🎉🎉", [["🎉", "🎉"]]),
        ("...", []),
    ],
)
def test_the_terms_of_a_query(text, expected):
    assert words.terms(text) == expected


def test_a_query_in_both_dialects():
    assert words.query("Hello 世界") == (
        "('hello') & ('世' <-> '界':*)",
        'words : ("hello" AND "世 界" *)',
    )
    assert words.query(" ?! ") is None


def test_a_text_as_postgresql_keeps_it():
    assert words.tsvector("to be or not to be", "room") == "'to':1,5 'be':2,6 'or':3 'not':4 '/room'"
    assert words.tsvector("", "room") == "'/room'"
    assert words.labelled("('a':*)", "room") == "'/room' & ('a':*)"


def test_long_texts_are_cut_where_postgresql_would_refuse_them():
    many = words.words("a " * 20_000)
    long = words.words("x" * 5000 + " é" + "ü" * 5000)

    assert len(many) == words.MOST
    assert [len(word) for word in long] == [words.LONGEST] * 2
    assert words.tsvector("a " * 1000, "r").count(",") == words.PLACES - 1
    assert len(words.terms("a " * 100)) == words.TERMS
    assert len(words.terms("世" * 1000)[0]) == words.LONGEST


@given(TEXTS)
@example("ΐ")
@example("ŉ")
@example("ﷺ")
def test_words_need_no_quoting_in_either_dialect(text):
    for word in words.words(text):
        assert word
        assert len(word) <= words.LONGEST
        assert not set(word) & set(" '\"\\\x00:*&|!()<>,/\x1f")
        assert all(character.isalnum() for character in word if character.isascii())
        word.encode()


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_of_ascii_is_the_long_one(text):
    assert words.words(text) == words._spelled(text).replace(words._ALONE, " ").split()


@given(TEXTS)
def test_a_query_of_the_whole_text_asks_for_the_words_of_the_text(text):
    asked = [word for term in words.terms(text) for word in term]

    assert asked == words.words(text) or len(words.terms(text)) == words.TERMS


@given(TEXTS)
def test_composed_or_not_a_text_has_the_same_words(text):
    assert words.words(unicodedata.normalize("NFD", text)) == words.words(unicodedata.normalize("NFC", text))


@given(TEXTS)
def test_sqlite_takes_the_words_for_what_they_are(text):
    """Its tokenizer splits at spaces alone."""
    made = words.words(text)
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE texts USING fts5(words, tokenize = 'ascii')")
        connection.execute("CREATE VIRTUAL TABLE seen USING fts5vocab(texts, instance)")
        connection.execute("INSERT INTO texts VALUES (?)", [" ".join(made)])
        seen = [word for (word,) in connection.execute('SELECT term FROM seen ORDER BY "offset"')]
    connection.close()

    assert seen == made
