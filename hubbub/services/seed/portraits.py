"""Drawn avatars of users, and logos of companies."""

import random

from PIL import Image, ImageDraw

from hubbub.services.seed import canvas
from hubbub.services.seed.canvas import WHITE, Color, Size
from hubbub.services.seed.screens import ACCENTS

AVATAR = Size(384, 384)
LOGO = Size(256, 256)
INITIALS_PROBABILITY = 0.45  # of an avatar; the others are drawn faces
_SKIN: tuple[Color, ...] = ((255, 219, 190), (240, 194, 158), (206, 152, 112), (150, 100, 70), (96, 62, 46))
_HAIR: tuple[Color, ...] = (
    (32, 26, 26),
    (72, 46, 30),
    (128, 84, 44),
    (196, 156, 92),
    (150, 150, 154),
    (150, 60, 34),
)


def avatar(rng: random.Random, name: str) -> Image.Image:
    """Draw an avatar: the initials of a name, or a face.

    Letters that Pillow's font does not have are replaced by a face.
    """
    letters = initials(name)
    if rng.random() < INITIALS_PROBABILITY and letters.isascii():
        return _monogram(rng, letters)
    return _face(rng)


def initials(name: str) -> str:
    """Return the first letters of the first and the last word."""
    words = name.split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def _monogram(rng: random.Random, letters: str) -> Image.Image:
    accent = rng.choice(ACCENTS)
    image = canvas.gradient(AVATAR.drawn, canvas.mix(accent, WHITE, 0.15), canvas.mix(accent, (0, 0, 0), 0.3))
    side = image.width
    canvas.text(image, (side / 2, side / 2), letters, side * 0.42, WHITE)
    return canvas.finished(image)


def _face(rng: random.Random) -> Image.Image:
    """Draw head and shoulders in front of a color."""
    accent, shirt = rng.sample(ACCENTS, 2)
    skin, hair = rng.choice(_SKIN), rng.choice(_HAIR)
    image = canvas.gradient(AVATAR.drawn, canvas.mix(accent, WHITE, 0.7), canvas.mix(accent, WHITE, 0.4))
    side = image.width
    draw = ImageDraw.Draw(image)

    def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        return left * side, top * side, right * side, bottom * side

    is_long = rng.random() < 0.5  # noqa: PLR2004 - half of them
    if is_long:
        draw.rounded_rectangle(box(0.27, 0.24, 0.73, 0.8), side * 0.2, fill=hair)
    draw.ellipse(box(0.14, 0.72, 0.86, 1.3), fill=shirt)
    draw.rounded_rectangle(
        box(0.42, 0.58, 0.58, 0.82), side * 0.07, fill=canvas.mix(skin, (80, 40, 30), 0.15)
    )
    draw.ellipse(box(0.31, 0.2, 0.69, 0.68), fill=skin)
    draw.pieslice(box(0.29, 0.15, 0.71, 0.62), 180, 360, fill=hair)
    fringe = rng.uniform(-0.03, 0.03)
    draw.ellipse(box(0.345 + fringe, 0.3, 0.655 + fringe, 0.5), fill=skin)
    for x in (0.42, 0.58):
        draw.ellipse(box(x - 0.018, 0.43, x + 0.018, 0.475), fill=(40, 30, 34))
    draw.arc(box(0.43, 0.48, 0.57, 0.6), 20, 160, fill=(140, 60, 56), width=max(2, side // 70))
    if rng.random() < 0.3:  # noqa: PLR2004 - some wear glasses
        for x in (0.42, 0.58):
            draw.ellipse(box(x - 0.065, 0.39, x + 0.065, 0.51), outline=(40, 40, 48), width=side // 90)
        draw.line((0.485 * side, 0.45 * side, 0.515 * side, 0.45 * side), fill=(40, 40, 48), width=side // 90)
    return canvas.finished(image)


def logo(rng: random.Random, name: str) -> Image.Image:
    """Draw the logo of a company: a shape, with a letter if the font has it."""
    accent = rng.choice(ACCENTS)
    image = Image.new("RGB", LOGO.drawn, WHITE)
    side = image.width
    draw = ImageDraw.Draw(image)
    shape = rng.randrange(3)
    if shape == 0:
        draw.rounded_rectangle((side * 0.1, side * 0.1, side * 0.9, side * 0.9), side * 0.2, fill=accent)
    elif shape == 1:
        draw.regular_polygon((side / 2, side / 2, side * 0.44), 6, rotation=rng.choice((0, 30)), fill=accent)
    else:
        canvas.circle(image, (side / 2, side / 2), side * 0.42, accent)
    letter = initials(name)[:1]
    if letter.isascii():
        canvas.text(image, (side / 2, side / 2), letter, side * 0.48, WHITE)
    else:
        canvas.circle(image, (side * 0.6, side * 0.42), side * 0.16, WHITE)
        canvas.circle(image, (side * 0.42, side * 0.6), side * 0.1, canvas.mix(accent, WHITE, 0.6))
    return canvas.finished(image)
