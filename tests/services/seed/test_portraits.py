"""Drawn avatars and logos."""

import pytest

from hubbub.services.seed import portraits, sample


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Bell", "AB"), ("ada", "A"), ("Maria de la Cruz", "MC"), ("Иван Петров", "ИП"), ("", "")],
)
def test_initials_are_those_of_the_first_and_the_last_word(name, letters):
    assert portraits.initials(name) == letters


def test_avatars_differ_and_the_same_source_draws_the_same():
    drawn = [portraits.avatar(sample.rng("avatar", number), "Ada Bell").tobytes() for number in range(8)]
    again = [portraits.avatar(sample.rng("avatar", number), "Ada Bell").tobytes() for number in range(8)]

    assert drawn == again
    assert len(set(drawn)) == 8


@pytest.mark.parametrize("name", ["Hafen GmbH", "株式会社あおい", ""])
def test_a_logo_of_any_name_can_be_drawn(name):
    logos = [portraits.logo(sample.rng("logo", number), name) for number in range(6)]

    assert all(logo.size == portraits.LOGO for logo in logos)
    assert all(len(logo.getcolors(1 << 20)) > 1 for logo in logos)
