"""Sample names and messages."""

import re

from hubbub.services.seed import sample


def test_names_of_users_and_rooms_are_unique():
    users = [sample.user_names(number) for number in range(5000)]
    places = [sample.room_template(number) for number in range(500)]

    assert len({username for username, _ in users}) == 5000
    assert len({place.name for place in places}) == 500


def test_usernames_are_valid():
    names = [sample.user_names(number)[0] for number in range(5000)]

    assert all(re.fullmatch(r"[a-z][a-z0-9]{2,31}", name) for name in names)


def test_the_same_random_seed_gives_the_same_messages():
    first, second = sample.rng("room", 3), sample.rng("room", 3)

    assert [sample.sentence(first) for _ in range(50)] == [sample.sentence(second) for _ in range(50)]
    assert sample.sentence(sample.rng("room", 4)) != sample.sentence(sample.rng("room", 5))


def test_no_placeholder_is_left():
    chance = sample.rng("all")

    lines = [sample.sentence(chance) for _ in range(2000)]

    assert not any("{" in line or "}" in line for line in lines)
    assert all(1 <= len(line) <= 8000 for line in lines)
