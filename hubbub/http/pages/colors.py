"""Colors `#rrggbb` and their contrast (WCAG 2.2, 1.4.3)."""

import re
from typing import NamedTuple

MIN_CONTRAST = 4.5  # of text and its background
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_STEPS = 64  # between a color and black or white


class Color(NamedTuple):
    """Red, green and blue, 0 to 255."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK, WHITE = Color(0, 0, 0), Color(255, 255, 255)


def parse(text: str) -> Color | None:
    """Return the color `#rrggbb`; None for any other text."""
    if not _COLOR.fullmatch(text):
        return None
    return Color(int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colors, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(color: Color, *backgrounds: Color, ratio: float = MIN_CONTRAST) -> Color:
    """Return the color if its contrast with each background is at least `ratio`.

    Else the nearest darker or lighter step of it that has the contrast. The backgrounds are all light or all
    dark: some step has it.
    """
    target = max((BLACK, WHITE), key=lambda end: min(contrast(end, each) for each in backgrounds))
    steps = (_mix(color, target, step) for step in range(_STEPS))
    return next(
        (step for step in steps if all(contrast(step, each) >= ratio for each in backgrounds)), target
    )


def _mix(color: Color, target: Color, step: int) -> Color:
    return Color(*(one + (other - one) * step // _STEPS for one, other in zip(color, target, strict=True)))


def _luminance(color: Color) -> float:
    red, green, blue = map(_linear, color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: int) -> float:
    share = channel / 255
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - of the standard
