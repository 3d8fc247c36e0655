"""Sample names and talk."""

import re

from hubbub.services.seed import sample


def test_no_two_people_and_no_two_rooms_have_the_same_name():
    users = [sample.user_names(number) for number in range(5000)]
    places = [sample.room_template(number) for number in range(500)]

    assert len({username for username, _ in users}) == 5000
    assert len({place.name for place in places}) == 500


def test_usernames_are_allowed_ones():
    names = [sample.user_names(number)[0] for number in range(5000)]

    assert all(re.fullmatch(r"[a-z][a-z0-9]{2,31}", name) for name in names)


def test_the_same_chance_says_the_same():
    first, second = sample.rng("room", 3), sample.rng("room", 3)

    assert [sample.sentence(first) for _ in range(50)] == [sample.sentence(second) for _ in range(50)]
    assert sample.sentence(sample.rng("room", 4)) != sample.sentence(sample.rng("room", 5))


def test_nothing_is_left_to_be_filled_in():
    chance = sample.rng("all")

    lines = [sample.sentence(chance) for _ in range(2000)]

    assert not any("{" in line or "}" in line for line in lines)
    assert all(1 <= len(line) <= 8000 for line in lines)
