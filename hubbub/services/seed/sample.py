"""Names, rooms, sentences and pictures of the sample data. The same random source gives the same result."""

import random
import tomllib
from pathlib import Path
from typing import NamedTuple

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
EMOJI: list[str] = _WORDS["emoji"]


class RoomTemplate(NamedTuple):
    """The name and topic of a room."""

    name: str
    topic: str


class PictureTemplate(NamedTuple):
    """The name of a file, what it displays, and what a message says about it."""

    name: str
    motif: str
    captions: list[str]


def rng(*label: object) -> random.Random:
    """Return a random source that is the same for the same label."""
    return random.Random(":".join(map(str, label)))  # noqa: S311 - not used for secrets


def user_names(number: int) -> tuple[str, str]:
    """Return username and display name of a sample user by number, from 0. Usernames are unique."""
    firsts, lasts = _WORDS["first"], _WORDS["last"]
    cycle, index = divmod(number, len(firsts))
    first = firsts[index]
    last = lasts[(number * 7 + cycle) % len(lasts)]
    return f"{first}{cycle + 1}" if cycle else first, f"{first.capitalize()} {last}"


def room_template(number: int) -> RoomTemplate:
    """Return the sample room by number, from 0. Names are unique."""
    places = _WORDS["places"]
    cycle, index = divmod(number, len(places))
    name, topic = places[index]
    return RoomTemplate(f"{name}-{cycle + 1}" if cycle else name, topic)


def picture_template(number: int) -> PictureTemplate:
    """Return the sample picture by number, from 0. Names are unique."""
    templates = _WORDS["pictures"]
    template = templates[number % len(templates)]
    name = template["name"].format(number=2041 + 17 * number)
    return PictureTemplate(name, template["motif"], template["captions"])


def sentence(random_source: random.Random) -> str:
    """Return the body of a sample message."""
    thing = random_source.choice(_WORDS["things"])
    text: str = random_source.choice(_WORDS["lines"]).format(
        thing=thing,
        Thing=thing[0].upper() + thing[1:],
        time=random_source.choice(_WORDS["times"]),
        state=random_source.choice(_WORDS["states"]),
    )
    return f"{text} {sentence(random_source)}" if random_source.random() < 0.1 else text  # noqa: PLR2004 - one in ten gets another sentence
