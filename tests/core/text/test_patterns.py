"""Patterns for lists of texts."""

import re

from hypothesis import given
from hypothesis import strategies as st

from hubbub.core.text import patterns

TEXTS = st.lists(st.text("abc-]^\\$.*é👍", min_size=1, max_size=5), min_size=1, max_size=20)


@given(TEXTS, TEXTS)
def test_a_pattern_matches_only_its_texts(texts, others):
    pattern = re.compile(patterns.any_of(texts))

    assert {each for each in texts + others if pattern.fullmatch(each)} == set(texts)


@given(TEXTS)
def test_a_suffix_may_follow_each_character(texts):
    pattern = re.compile(patterns.any_of(texts, lambda _: "!?"))

    assert all(pattern.fullmatch("!".join(each) + "!") for each in texts)
