"""Excerpts of texts in Markdown: what pages show of the text, from its beginning."""

import pytest

from hubbub.core import clock
from hubbub.core.text.markdown import Budget
from hubbub.services.portfolio import excerpts


@pytest.mark.parametrize(
    ("markdown", "excerpt"),
    [
        (None, None),
        ("", None),
        ("\n \n---\n", None),
        ("# Title\n\nSome *emphasis*, `code` and **more**.", "Some emphasis, code and more."),
        ("# Title", "Title"),
        (
            "[A link](https://example.com) and ![a picture](https://example.com/a.png)!",
            "A link and a picture!",
        ),
        ("> a quote\n>> nested\n\n1. one\n2. two\n- three", "a quote nested one two three"),
        ("```python\nprint(1)\n```\nafter", "after"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("<b>bold</b> <script>alert(1)</script>", "<b>bold</b> <script>alert(1)</script>"),
        ("a | b\n--- | ---\n1 | 2", "a b 1 2"),
        ("snake_case and 2 * 3 * 4", "snake_case and 2 * 3 * 4"),
        ("Größe 日本語", "Größe 日本語"),
    ],
)
def test_an_excerpt_is_plain_text(markdown, excerpt):
    assert excerpts.generate(markdown, Budget(1)) == excerpt


def test_a_long_text_is_cut_between_words():
    found = excerpts.generate("word, " * 1000, Budget(1))

    assert found is not None
    assert len(found) <= excerpts.MAX_CHARS
    assert found.endswith("word…")
    assert excerpts.generate("x" * 1000, Budget(1)) == "x" * 199 + "…"


def test_text_without_spaces_is_cut_anywhere():
    found = excerpts.generate("数 " + "数について" * 200, Budget(1))

    assert found is not None
    assert len(found) == excerpts.MAX_CHARS


def test_excerpts_of_long_and_nested_texts_take_no_time():
    started = clock.thread_time()
    for text in ("![" * 50_000, "[](" * 30_000, ">" * 100_000, "<" * 100_000, "* " * 50_000, " " * 100_000):
        excerpts.generate(text, Budget(1))

    assert clock.thread_time() - started < 0.5
