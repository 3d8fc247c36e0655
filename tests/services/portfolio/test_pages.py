"""What pages show of a portfolio: how much of it."""

import pytest

from hubbub.schemas.base import View
from hubbub.services.portfolio import pages


class Item(View, frozen=True, kw_only=True):
    description: str | None = None
    content: str | None = None
    achievements: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
def _limit(monkeypatch):
    monkeypatch.setattr(pages, "MAX_TEXT_CHARS", 1000)


def test_an_ordinary_portfolio_is_shown_whole():
    sections = {"experiences": [Item(description="a" * 500)], "testimonials": [Item(content="b" * 500)]}

    assert pages._shorten_excess(sections) == sections


def test_long_texts_of_the_last_items_are_shortened():
    item = Item(description="a" * 600, achievements=("b" * 200, "c"))

    first, second = pages._shorten_excess({"experiences": [item, item]})["experiences"]

    assert first == item
    assert second == Item(description="a" * 300 + "…", achievements=("b" * 200,))


def test_short_texts_after_long_ones_are_whole():
    items = [Item(content="a" * 900), Item(content="b" * 900), Item(content="c" * 50), Item()]

    found = pages._shorten_excess({"testimonials": items})["testimonials"]

    assert [len(each.content or "") for each in found] == [900, 301, 50, 0]
