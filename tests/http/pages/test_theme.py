"""The style sheet of public pages."""

import re

import pytest

from hubbub.http.pages import colors, theme


@pytest.mark.parametrize(
    "accent", ["#ffd000", "#000000", "#ffffff", "#3b5bdb", "#808080", "#00ff00", None, "red", "#ff"]
)
def test_an_accent_is_readable_on_every_background(accent):
    light, dark = theme.accents(accent)

    assert min(colors.contrast(light, each) for each in theme.LIGHT_BACKGROUNDS) >= 4.5
    assert min(colors.contrast(dark, each) for each in theme.DARK_BACKGROUNDS) >= 4.5


def test_an_accent_with_enough_contrast_is_used_as_it_is():
    assert str(theme.accents("#8a1c7c").light) == "#8a1c7c"
    assert str(theme.accents("#ffd000").dark) == "#ffd000"


def test_the_backgrounds_and_texts_of_the_style_sheet_are_readable():
    def colors_of(block):
        return {name: colors.parse(value) for name, value in re.findall(r"--(\w+): (#\w{6});", block)}

    blocks = [colors_of(block) for block in re.findall(r"\{[^{}]*--bg:[^{}]*\}", theme.STYLE)]

    assert [(each["bg"], each["surface"]) for each in blocks[:3]] == [
        theme.LIGHT_BACKGROUNDS,
        theme.DARK_BACKGROUNDS,
        theme.DARK_BACKGROUNDS,
    ]
    assert len(blocks) == 4  # and in print
    lowest = min(
        colors.contrast(each[text], each[background])
        for each in blocks
        for text in ("text", "muted", "error")
        for background in ("bg", "surface")
    )
    assert lowest >= 4.5


def test_the_url_names_the_version_and_the_accent():
    assert theme.url("#FFD000") == f"/public-pages.css?v={theme.DIGEST}&accent=ffd000"
    assert theme.url(None).endswith("accent=3b5bdb")


def test_the_style_sheet_ends_with_the_accents():
    found = theme.accents("#8a1c7c")

    assert theme.style_sheet("8a1c7c").endswith(f"--accent-light: #8a1c7c; --accent-dark: {found.dark}; }}\n")
    assert "url(" not in theme.STYLE
