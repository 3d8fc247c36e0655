"""Emoji: exactly those of Unicode's list, in every spelling."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.text import emoji

SELECTOR = "\ufe0f"
LIST = emoji.fully_qualified()


def test_the_list_is_that_of_unicode():
    assert len(LIST) == len(set(LIST)) == 3963
    assert {"👍", "❤️", "👩‍💻", "🇩🇪", "1️⃣", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏽", "☺️"} <= set(LIST)
    assert max(map(len, LIST)) <= emoji.MAX_EMOJI_CHARS // 2


def test_every_emoji_is_the_same_in_every_spelling():
    for each in LIST:
        bare = each.replace(SELECTOR, "")
        spelled = {each, bare, each + SELECTOR * (not each.endswith(SELECTOR)), bare[0] + SELECTOR + bare[1:]}

        assert {emoji.canonical(one) for one in spelled} == {each}
        assert all(re.search(emoji.pattern(), one) for one in spelled)


def test_no_other_character_is_an_emoji():
    single = {each.replace(SELECTOR, "") for each in LIST}
    taken = {chr(code) for code in range(sys.maxunicode + 1) if emoji.canonical(chr(code)) is not None}

    assert taken == {each for each in single if len(each) == 1}


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "a",
            "1",
            "#",
            "+1",
            ":)",
            "👍👍",
            "👍 ",
            " 👍",
            "👍\n",
            "👍a",
            "🏻",
            "🇩",
            "🇩🇩",
            "\u200d",
            SELECTOR,
        ),
        *(
            "\u20e3",
            "1\u20e3\u20e3",
            f"{SELECTOR}👍",
            f"👍{SELECTOR}{SELECTOR}",
            "👍\ufe0e",
            "👩‍",
            "👍\u0301",
            "\U000e007f",
        ),
        *("👩‍\ufe0f💻", "👍\u200b", "x" * 64),
    ],
    ids=ascii,
)
def test_other_text_is_no_emoji(text):
    assert emoji.canonical(text) is None
    assert not re.search(emoji.pattern(), text)


@given(st.lists(st.sampled_from([*LIST, SELECTOR, "\u200d", "🏽", "a"]), max_size=4).map("".join))
def test_the_pattern_matches_the_rule(text):
    assert bool(re.search(emoji.pattern(), text)) == (emoji.canonical(text) is not None)
