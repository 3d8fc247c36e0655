"""Usernames: the form, and its pattern in the API document."""

import itertools
import re

import pytest

from hubbub.core.text import usernames

CHARACTERS = "aZ0_.- \n\uff41é"


def test_what_the_pattern_matches_is_of_the_form():
    matching = re.compile(usernames.PATTERN)
    texts = ["".join(each) for each in itertools.product(CHARACTERS, repeat=4)]

    refused = [text for text in texts if matching.search(text) and usernames.form_fault(text) is not None]

    assert refused == []
    assert sum(1 for text in texts if matching.search(text)) > 200


@pytest.mark.parametrize("text", [" Ada ", "\uff41da", "ADA", "a.b-c_d", "a" * 32])
def test_other_spellings_are_normalized(text):
    assert usernames.form_fault(text) is None


@pytest.mark.parametrize(
    "text", ["", "ab", "a" * 33, ".ada", "ada.", "ada-", "_ada", "a b c", "adä", "ada\n"]
)
def test_another_form_is_refused(text):
    assert usernames.form_fault(text) is not None
