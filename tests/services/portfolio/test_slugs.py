"""Slugs of titles in every script."""

import uuid

import pytest

from hubbub.schemas.portfolio.fields import MAX_SLUG_CHARS, is_id
from hubbub.services.portfolio import slugs

ID = uuid.UUID("01890a5d-ac96-774b-bcce-b302099a8057")


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Hello, World!", "hello-world"),
        ("  C++ / C# — 2026  ", "c-c-2026"),
        ("It's Ada\u2019s", "its-adas"),
        ("Straße nach Ærøskøbing, Łódź", "strasse-nach-aeroskobing-lodz"),
        ("Ñandú Český Đà Nẵng İstanbul", "nandu-cesky-da-nang-istanbul"),
        ("Ｆｕｌｌ ｗｉｄｔｈ ﬁ", "full-width-fi"),
        ("Привет, world", "world"),
        ("日本語 API", "api"),
        ("x" * 300, "x" * MAX_SLUG_CHARS),
        ("a" + " b" * 80, ("a" + "-b" * 80)[:MAX_SLUG_CHARS].strip("-")),
    ],
)
def test_a_title_with_latin_letters_gives_their_slug(title, slug):
    assert slugs.generate(title, ID, "post", ()) == slug


@pytest.mark.parametrize(
    "title",
    ["Привет", "日本語", "שלום", "مرحبا", "สวัสดี", "Γειά σου", "नमस्ते", "2026", "🎉🎉", "---", str(ID), ID.hex],
)
def test_a_title_without_latin_letters_gives_a_short_id(title):
    found = slugs.generate(title, ID, "post", ())

    assert found == "post-099a8057"
    assert slugs.generate(title, ID, "post", {found}) == "post-099a8057-2"


def test_a_slug_that_is_taken_gets_the_next_number():
    assert slugs.unique("a", {"a", "a-2", "a-4"}) == "a-3"
    assert slugs.unique("bulk-delete", ()) == "bulk-delete-2"
    full = "x" * MAX_SLUG_CHARS
    assert slugs.unique(full, {full}) == "x" * (MAX_SLUG_CHARS - 2) + "-2"


def test_no_slug_is_an_id():
    assert is_id(str(ID))
    assert is_id(ID.hex)
    assert not is_id("post-099a8057")
