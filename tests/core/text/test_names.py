"""Names and single lines in all of Unicode, and equality of names."""

import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.text import names

CHARACTERS = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
BY_CATEGORY = {
    category: [each for each in CHARACTERS if unicodedata.category(each) == category]
    for category in ("Cc", "Zl", "Zp", "Cf", "Zs", "Co")
}
BLANK = (
    "\u034f\u115f\u1160\u17b4\u180b\u2800\u3164\ufe00\ufe0f\uffa0\ufffc\ufff0\uffff"
    "\U0001d159\U000e0100\U000e0fff"
)
MARKS = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TRICKY = "aA \n\t\u200b\u202e\ufe0f\u0301\u3000\ufdfa\u00df\u0130\ufb01\u2460\uac00"
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from(TRICKY)), max_size=90)


@pytest.mark.parametrize("category", ["Cc", "Zl", "Zp"])
def test_a_line_has_no_controls_and_no_line_ends(category):
    taken = [each for each in BY_CATEGORY[category] if not names.line_fault(f"a{each}b")]
    at_an_end = [each for each in BY_CATEGORY[category] if not names.name_fault(f"a{each}", 80)]

    assert (taken, at_an_end) == ([], [])


@pytest.mark.parametrize("mark", MARKS, ids=ascii)
def test_a_line_does_not_reverse_the_text_after_it(mark):
    assert names.line_fault(f"a{mark}b") is not None


@pytest.mark.parametrize("category", ["Cf", "Zs", "Co"])
def test_a_name_has_a_visible_character(category):
    taken = [each for each in BY_CATEGORY[category] if not names.name_fault(each, 80)]

    assert taken == []


@pytest.mark.parametrize("character", BLANK, ids=ascii)
def test_an_invisible_name_is_refused(character):
    assert names.name_fault(character, 80) is not None
    assert names.normalize_line(character) == ""


@pytest.mark.parametrize(
    "text",
    ["a", "1", "☃", "👩‍💻", "می‌خواهم", "ก็", "נַ", "é", "\u200fשלום", "🫪", "´", "a b", "O’Neill"],
    ids=ascii,
)
def test_a_visible_name_is_accepted(text):
    assert names.name_fault(text, 80) is None
    assert names.normalize_line(f"\u3000{text} ") == text


@pytest.mark.parametrize("text", ["\ufdfa" * 5, "a" * 81, "½" * 27], ids=ascii)
def test_a_name_is_not_too_long_when_it_is_normalized(text):
    assert names.name_fault(text, 80) is not None


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Ada", "Ada"),
        ("a" * 200, "a" * 80),
        (" " + "a" * 200, "a" * 79),
        ("\ufdfa" * 200, "\ufdfa" * 4),
        ("Ada\nLovelace", ""),
        ("\u200b", ""),
        ("", ""),
    ],
)
def test_an_external_name_is_shortened(text, kept):
    assert names.truncate(text, 80) == kept


@pytest.mark.parametrize(
    "same_name",
    [
        *(
            "st\u200baff",
            "st\u2060aff",
            "st\u00adaff",
            "st\ufeffaff",
            "st\u200eaff",
            "st\u202eaff",
            "st\ufe0faff",
        ),
        *(
            "st\U000e0061aff",
            "st\u034faff",
            "st\u3164aff",
            "ＳＴＡＦＦ",
            "STAFF",
            " staff ",
            "\u3000staff",
            "ſtaﬀ",
        ),
    ],
    ids=ascii,
)
def test_names_that_look_the_same_are_the_same(same_name):
    assert names.key(same_name) == "staff"


@pytest.mark.parametrize(
    "same_name", ["the  staff", "the\u00a0staff", "the\u2800staff", "the\u3000 staff"], ids=ascii
)
def test_the_number_of_spaces_does_not_count(same_name):
    assert names.key(same_name) == names.key("the staff")


@pytest.mark.parametrize("other", ["stuff", "st aff", "stäff", "staff.", "стафф"])
def test_different_names_stay_different(other):
    assert names.key(other) != names.key("staff")


@given(TEXTS)
def test_the_key_of_a_key_is_itself(text):
    assert names.key(names.key(text)) == names.key(text)


@given(TEXTS)
def test_the_key_of_a_name_can_be_stored(text):
    if names.name_fault(text, 80) is None:
        assert 0 < len(names.key(names.normalize_line(text))) <= names.MAX_KEY_CHARS


@given(TEXTS)
def test_the_patterns_match_the_rules(text):
    assert bool(re.search(names.LINE_PATTERN, text)) == (names.line_fault(text) is None)
    assert bool(re.search(names.NAME_PATTERN, text)) == (names.name_fault(text, 2000) is None)
