"""Which names a body may mention; who is a member is the database's to say (tests/realtime/test_chat.py)."""

import pytest

from hubbub.services.mentions import MOST, candidates


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("@bob", ["bob"]),
        ("hi @Bob, hi @bob", ["bob"]),
        ("@bob.", ["bob.", "bob"]),
        ("@bob.-", ["bob.-", "bob.", "bob"]),
        ("(@ada-lovelace)", ["ada-lovelace"]),
        ("mail bob@example.com", []),
        ("https://example.com/@bob", []),
        ("@@bob", []),
        ("`@bob`", []),
        ("`@bob` @ada", ["ada"]),
        ("```\n@bob\n``` @ada", ["ada"]),
        ("``` @bob never closed", []),
        ("a lone ` and @bob", ["bob"]),
        ("@", []),
        ("@ bob", []),
        ("grüß @bob!", ["bob"]),
        ("@боб", []),
    ],
)
def test_names_are_found_outside_code(body: str, names: list[str]) -> None:
    assert candidates(body) == names


def test_a_body_full_of_names_asks_for_no_more_than_fifty() -> None:
    assert len(candidates(" ".join(f"@user{number}" for number in range(1000)))) == MOST


def test_a_hostile_body_takes_no_time() -> None:
    for body in ("`" * 8000, "@" * 8000, "```" * 2666, "@a." * 2666, "` @" * 2666):
        assert len(candidates(body)) <= MOST
