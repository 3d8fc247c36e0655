"""Code in messages: the examples of CommonMark, and comparison with a library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hubbub.core.text.code_blocks import pieces, without_code
from tests.support.code_examples import EXAMPLES, Example

# A link and an HTML block are text in messages.
commonmark = MarkdownIt("commonmark").disable(["html_block", "reference", "link", "image"])
# No `>` behind an indent, and no `<!--`: markdown-it-py takes `    >` for a quote, and no `--->` for an end.
PARTS = [
    *("`", "``", "```", "~~~", "```\n", "~~~~\n", "\n", "\n\n", " ", "  ", "    ", "- ", "\n- ", "* ", "1. "),
    *("2) ", "\n> ", "\n> > ", "# ", "===", "***", "_", "a", "a\n", "\\", "<", "<b>", "<b c='", "<http://a>"),
]


def code(body: str) -> list[str]:
    return [piece.text for piece in pieces(body) if piece.code]


def of_library(body: str) -> list[str]:
    found = []
    for token in commonmark.parse(body):
        inline = [child.content for child in token.children or () if child.type == "code_inline"]
        found += [token.content] if token.type == "fence" else inline
    return found


def words(found: list[str]) -> list[list[str]]:
    """The library keeps the indent of lines, and a line end at the end."""
    return [text.split() for text in found]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ascii(example.body))
def test_code_is_found(example: Example) -> None:
    assert code(example.body) == example.code
    assert "NAME" not in without_code(example.body)
    assert without_code(example.body).count("TEXT") == example.body.count("TEXT")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ascii(example.body))
def test_the_examples_are_commonmark(example: Example) -> None:
    assert words(of_library(example.body)) == words(example.code)


@given(st.lists(st.sampled_from(PARTS), max_size=16).map("".join))
def test_any_text_has_the_code_that_a_reference_library_finds(body: str) -> None:
    assert words(code(body)) == words(of_library(body))


@given(st.text("a \n\t>-1.`~#\\<", max_size=60))
def test_the_parts_add_up_to_the_text(body: str) -> None:
    kept = "".join(piece.text for piece in pieces(body))

    assert kept.count("a") <= body.count("a")
    assert without_code(body.replace("`", "").replace("~", "")) == body.replace("`", "").replace("~", "")
