"""The style sheet of public pages, with the accent of a portfolio at a sufficient contrast."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from hubbub.http.pages import colors
from hubbub.http.pages.colors import Color

PATH = "/public-pages.css"
DEFAULT_ACCENT = Color(0x3B, 0x5B, 0xDB)
# --bg and --surface of style.css.
LIGHT_BACKGROUNDS = (Color(0xFF, 0xFF, 0xFF), Color(0xF5, 0xF6, 0xF8))
DARK_BACKGROUNDS = (Color(0x14, 0x16, 0x1A), Color(0x1D, 0x20, 0x26))
STYLE = Path(__file__).with_name("style.css").read_text("utf-8")
DIGEST = hashlib.sha256(STYLE.encode()).hexdigest()[:12]


class Accents(NamedTuple):
    """An accent on a light and on a dark page: its contrast with their backgrounds is at least 4.5:1."""

    light: Color
    dark: Color


@lru_cache(1024)
def accents(accent: str | None) -> Accents:
    """Return the accents for a color `#rrggbb`; for anything else those of the default."""
    color = colors.parse(accent or "") or DEFAULT_ACCENT
    return Accents(
        colors.readable(color, *LIGHT_BACKGROUNDS),
        colors.readable(color, *DARK_BACKGROUNDS),
    )


def url(accent: str | None) -> str:
    """Return the URL of the style sheet for an accent. It changes when the style sheet does."""
    color = colors.parse(accent or "") or DEFAULT_ACCENT
    return f"{PATH}?v={DIGEST}&accent={str(color)[1:]}"


def style_sheet(accent: str) -> str:
    """Return the style sheet for an accent `rrggbb`."""
    found = accents(f"#{accent}")
    return f"{STYLE}:root {{ --accent-light: {found.light}; --accent-dark: {found.dark}; }}\n"
