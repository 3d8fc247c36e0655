"""Contrast of colors, and the readable step of a color."""

import itertools

import pytest

from hubbub.http.pages import colors, theme
from hubbub.http.pages.colors import BLACK, WHITE, Color

CHANNELS = (0, 51, 102, 153, 204, 255)
COLORS = [Color(*channels) for channels in itertools.product(CHANNELS, repeat=3)]


def test_contrast_is_that_of_wcag():
    assert colors.contrast(BLACK, WHITE) == pytest.approx(21)
    assert colors.contrast(WHITE, WHITE) == 1
    assert colors.contrast(Color(0x76, 0x76, 0x76), WHITE) == pytest.approx(4.54, abs=0.01)
    assert colors.contrast(WHITE, Color(0xFF, 0, 0)) == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("backgrounds", [theme.LIGHT_BACKGROUNDS, theme.DARK_BACKGROUNDS, (WHITE,), (BLACK,)])
def test_every_color_has_a_readable_step(backgrounds):
    lowest = min(
        colors.contrast(colors.readable(color, *backgrounds), each)
        for color in COLORS
        for each in backgrounds
    )

    assert lowest >= 4.5


def test_a_readable_color_stays_and_another_changes_as_little_as_needed():
    assert str(colors.readable(Color(0x0B, 0x5F, 0xFF), WHITE)) == "#0b5fff"

    changed = colors.readable(Color(0xFF, 0xD0, 0), WHITE)

    assert 4.5 <= colors.contrast(changed, WHITE) < 4.9
    assert changed.red > changed.green > changed.blue == 0


@pytest.mark.parametrize(
    "text", ["", "#fff", "red", "#gggggg", "#1234567", "#12345", "＃123456", "#123456\n"]
)
def test_other_text_is_no_color(text):
    assert colors.parse(text) is None
    assert colors.parse("#A0b1C2") == Color(0xA0, 0xB1, 0xC2)
