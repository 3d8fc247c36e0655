"""What a User-Agent header says."""

import pytest

from hubbub.core import agents


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
def test_reading(text, agent):
    assert agents.read(text) == agent
