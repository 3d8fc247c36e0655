"""Parsing of User-Agent headers."""

import tracemalloc

import pytest

from hubbub.core import user_agents


@pytest.mark.parametrize(
    ("text", "agent"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0",
            ("Chrome 130", "Linux", None),
        ),
        ("curl/8.1.2", ("curl 8", None, None)),
        ("", (None, None, None)),
        ("x" * 100_000, (None, None, None)),
    ],
)
def test_user_agents_are_parsed(text, agent):
    assert user_agents.parse(text) == agent


def test_connections_of_one_program_share_its_text():
    first, second = (b"Mozilla/5.0 (X11) shared".decode() for _ in range(2))

    assert first is not second
    assert user_agents.intern_text(first) is user_agents.intern_text(second)


def test_many_user_agents_use_bounded_memory():
    def flood(kind):
        for number in range(100_000):
            user_agents.intern_text(f"{kind} {number} {'x' * 250}")

    tracemalloc.start()
    flood("first")
    after_one, _ = tracemalloc.get_traced_memory()
    flood("second")
    after_two, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after_two - after_one < 100_000
    assert after_two < 2_000_000
