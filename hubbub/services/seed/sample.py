"""People, rooms and small talk for sample data; the same chance gives the same."""

import random
import tomllib
from pathlib import Path
from typing import NamedTuple

_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
EMOJI: list[str] = _WORDS["emoji"]


class Place(NamedTuple):
    """A room's name and topic."""

    name: str
    topic: str


def rng(*label: object) -> random.Random:
    """Chance that falls the same way each time for the same label."""
    return random.Random(":".join(map(str, label)))  # noqa: S311 - nothing secret hangs on it


def person(number: int) -> tuple[str, str]:
    """(username, display name) of the sample person of that number, from 0; no username comes twice."""
    firsts, lasts = _WORDS["first"], _WORDS["last"]
    again, index = divmod(number, len(firsts))
    first = firsts[index]
    last = lasts[(number * 7 + again) % len(lasts)]
    return f"{first}{again + 1}" if again else first, f"{first.capitalize()} {last}"


def place(number: int) -> Place:
    """The sample room of that number, from 0; no name comes twice."""
    places = _WORDS["places"]
    again, index = divmod(number, len(places))
    name, topic = places[index]
    return Place(f"{name}-{again + 1}" if again else name, topic)


def line(choose: random.Random) -> str:
    """Something that somebody might say."""
    thing = choose.choice(_WORDS["things"])
    text: str = choose.choice(_WORDS["lines"]).format(
        thing=thing,
        Thing=thing[0].upper() + thing[1:],
        time=choose.choice(_WORDS["times"]),
        state=choose.choice(_WORDS["states"]),
    )
    return f"{text} {line(choose)}" if choose.random() < 0.1 else text  # noqa: PLR2004 - one in ten goes on
