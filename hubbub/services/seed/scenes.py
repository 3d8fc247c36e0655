"""Drawn photos: mountains, the sea, a city, a forest, tomatoes, a cup of coffee."""

import math
import random
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter, ImageOps

from hubbub.services.seed import canvas
from hubbub.services.seed.canvas import WHITE, Color, Size


class _Mood(NamedTuple):
    """The colors of a time of day."""

    top: Color  # of the sky
    bottom: Color  # of the sky, at the horizon
    light: Color  # sun or moon
    far: Color  # hills at the horizon
    near: Color  # hills in front


_DAWN = _Mood((58, 76, 122), (247, 178, 140), (255, 224, 178), (168, 130, 148), (38, 34, 58))
_DAY = _Mood((52, 120, 196), (198, 226, 242), (255, 250, 230), (142, 174, 190), (34, 72, 58))
_EVENING = _Mood((34, 30, 74), (238, 108, 78), (255, 204, 112), (126, 72, 98), (22, 16, 34))
_NIGHT = _Mood((8, 12, 34), (46, 62, 104), (232, 236, 250), (40, 54, 88), (6, 9, 22))
_MOODS = (_DAWN, _DAY, _EVENING, _NIGHT)


def _sky(rng: random.Random, size: Size, mood: _Mood, horizon: float) -> Image.Image:
    """Draw a sky with clouds and the sun or moon above the horizon, a share of the height."""
    width, height = size.drawn
    image = canvas.gradient(size.drawn, mood.top, mood.bottom)
    place = (rng.uniform(0.2, 0.8) * width, rng.uniform(0.15, 0.85) * horizon * height)
    canvas.glow(image, place, height * 0.5, mood.light, 0.7)
    canvas.circle(image, place, height * rng.uniform(0.03, 0.06), mood.light)
    clouds = canvas.noise(rng, (width // 4, height // 4), 5)
    density = clouds.point([max(0, value - 130) for value in range(256)]).resize(size.drawn)
    image.paste(canvas.mix(mood.light, mood.bottom, 0.3), (0, 0), density)
    return image


def _hills(
    rng: random.Random, image: Image.Image, color: Color, span: tuple[float, float], rough: float
) -> None:
    """Draw a line of hills between two heights, shares of the picture's, down to the bottom."""
    width, height = image.size
    top, bottom = span[0] * height, span[1] * height
    heights = canvas.ridge(rng, 128, rough)
    outline = [(width * x / 128, bottom - (bottom - top) * each) for x, each in enumerate(heights)]
    ImageDraw.Draw(image).polygon([(0, height), *outline, (width, height)], fill=color)


def mountains(rng: random.Random, size: Size) -> Image.Image:
    """Draw mountains in the distance; half of the time above a lake."""
    mood = rng.choice(_MOODS)
    image = _sky(rng, size, mood, 0.5)
    for step in range(4):
        color = canvas.mix(mood.far, mood.near, step / 3)
        _hills(rng, image, color, (0.28 + 0.13 * step, 0.62 + 0.12 * step), 0.56 - 0.04 * step)
    if rng.random() < 0.5:  # noqa: PLR2004 - half of them
        _reflect(rng, image, mood)
    return canvas.finished(image)


def _reflect(rng: random.Random, image: Image.Image, mood: _Mood) -> None:
    """Replace the lower third by the reflection of what is above it."""
    width, height = image.size
    shore = round(height * 0.66)
    above = image.crop((0, shore - (height - shore), width, shore))
    water = Image.blend(ImageOps.flip(above), Image.new("RGB", above.size, mood.top), 0.35)
    image.paste(water.filter(ImageFilter.BoxBlur(3)), (0, shore))
    draw = ImageDraw.Draw(image)
    for _ in range(60):
        y = shore + (height - shore) * rng.random() ** 2
        x, length = rng.uniform(-0.1, 1) * width, rng.uniform(0.05, 0.3) * width
        draw.line((x, y, x + length, y), fill=canvas.mix(mood.top, mood.bottom, rng.random()), width=2)


def sea(rng: random.Random, size: Size) -> Image.Image:
    """Draw the sea with the light on it, and a sailing boat."""
    mood = rng.choice((_DAWN, _DAY, _EVENING))
    width, height = size.drawn
    image = _sky(rng, size, mood, 0.5)
    horizon = round(height * rng.uniform(0.5, 0.62))
    water = canvas.gradient((width, height - horizon), canvas.mix(mood.bottom, mood.top, 0.45), mood.top)
    image.paste(water, (0, horizon))
    draw = ImageDraw.Draw(image)
    middle = rng.uniform(0.3, 0.7) * width
    for _ in range(260):  # the nearer, the wider
        depth = rng.random()
        y, length = horizon + (height - horizon) * depth, width * (0.01 + 0.06 * depth)
        x = rng.gauss(middle, width * (0.03 + 0.14 * depth))
        color = canvas.mix(mood.light, mood.bottom, rng.random())
        draw.line((x - length, y, x + length, y), fill=color, width=round(1 + 4 * depth))
    _boat(image, (rng.uniform(0.15, 0.85) * width, horizon + height * 0.03), height * 0.09)
    return canvas.finished(image)


def _boat(image: Image.Image, foot: canvas.Point, height: float) -> None:
    x, y = foot
    draw = ImageDraw.Draw(image)
    hull = [(x - height * 0.5, y - height * 0.12), (x + height * 0.5, y - height * 0.12)]
    draw.polygon([*hull, (x + height * 0.3, y), (x - height * 0.35, y)], fill=(70, 44, 40))
    draw.polygon([(x, y - height), (x, y - height * 0.18), (x + height * 0.4, y - height * 0.18)], fill=WHITE)
    sail = [(x - 3, y - height * 0.85), (x - 3, y - height * 0.18), (x - height * 0.35, y - height * 0.18)]
    draw.polygon(sail, fill=(226, 230, 236))


def city(rng: random.Random, size: Size) -> Image.Image:
    """Draw the towers of a city with lit windows."""
    mood = rng.choice((_EVENING, _NIGHT, _DAWN))
    image = _sky(rng, size, mood, 0.4)
    width, height = image.size
    for step in range(3):
        color = canvas.mix(mood.far, mood.near, 0.25 + step * 0.35)
        x = -rng.uniform(0, 0.05) * width
        while x < width:
            tower = rng.uniform(0.04, 0.09) * width
            top = height * (0.25 + 0.17 * step + rng.random() ** 2 * 0.28)
            _tower(rng, image, (x, top, x + tower, height), color)
            x += tower + rng.choice((0, 0, 0.01, 0.03)) * width
    return canvas.finished(image)


def _tower(
    rng: random.Random, image: Image.Image, box: tuple[float, float, float, float], color: Color
) -> None:
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = box
    draw.rectangle(box, fill=color)
    if rng.random() < 0.2:  # noqa: PLR2004 - one in five has a mast
        draw.line(((left + right) / 2, top - 60, (left + right) / 2, top), fill=color, width=4)
    lit, step = rng.uniform(0.15, 0.5), 18
    for row in range(round(top) + 14, round(bottom) - step, step):
        for column in range(round(left) + 10, round(right) - 12, step):
            if rng.random() < lit:
                window = canvas.mix((255, 214, 130), color, rng.random() * 0.6)
                draw.rectangle((column, row, column + 7, row + 9), fill=window)


def forest(rng: random.Random, size: Size) -> Image.Image:
    """Draw conifers in mist, the nearer the darker."""
    mood = rng.choice((_DAWN, _DAY, _NIGHT))
    image = _sky(rng, size, mood, 0.4)
    width, height = image.size
    mist = Image.linear_gradient("L").point([round(value * 0.3) for value in range(256)]).resize(image.size)
    for step in range(5):
        color = canvas.mix(mood.far, canvas.mix(mood.near, (12, 40, 30), 0.5), (step + 1) / 5)
        _hills(rng, image, color, (0.5 + 0.1 * step, 0.6 + 0.1 * step), 0.45)
        for _ in range(46 - 8 * step):
            foot = (rng.random() * width, height * (0.58 + 0.1 * step + rng.uniform(0, 0.06)))
            _conifer(rng, image, foot, height * (0.12 + 0.06 * step) * rng.uniform(0.7, 1.2), color)
        if step < 4:  # noqa: PLR2004 - none before the nearest trees
            image.paste(mood.bottom, (0, 0), mist)
    return canvas.finished(image)


def _conifer(rng: random.Random, image: Image.Image, foot: canvas.Point, height: float, color: Color) -> None:
    draw = ImageDraw.Draw(image)
    x, y = foot
    draw.rectangle((x - height * 0.02, y - height * 0.2, x + height * 0.02, y + height * 0.1), fill=color)
    for level in range(5):
        half = height * (0.2 - 0.033 * level) * rng.uniform(0.85, 1.1)
        low, top = y - height * 0.16 * level, y - height * (0.36 + 0.16 * level)
        draw.polygon([(x - half, low), (x, top), (x + half, low)], fill=color)


def tomatoes(rng: random.Random, size: Size) -> Image.Image:
    """Draw ripe and unripe tomatoes between leaves."""
    width, height = size.drawn
    leaves = canvas.noise(rng, (width // 4, height // 4), 14)
    image = ImageOps.colorize(leaves, (14, 40, 18), (120, 168, 74), mid=(42, 92, 40)).resize(size.drawn)
    for _ in range(9):
        ripeness = rng.random()
        color = canvas.mix((132, 160, 52), (206, 42, 32), min(1, ripeness * 1.6))
        _tomato(
            rng, image, (rng.random() * width, rng.random() * height), height * rng.uniform(0.1, 0.17), color
        )
    return canvas.finished(image)


def _tomato(
    rng: random.Random, image: Image.Image, center: canvas.Point, radius: float, color: Color
) -> None:
    x, y = center
    canvas.circle(image, (x + radius * 0.05, y + radius * 0.08), radius, canvas.mix(color, (0, 0, 0), 0.55))
    canvas.circle(image, center, radius, color)
    canvas.glow(image, (x - radius * 0.3, y - radius * 0.3), radius * 0.65, (255, 226, 200), 0.75)
    draw, turn = ImageDraw.Draw(image), rng.random()
    for leaf in range(5):
        angle = (leaf / 5 + turn) * math.tau
        tip = (x + math.cos(angle) * radius * 0.55, y - radius * 0.55 + math.sin(angle) * radius * 0.3)
        side = math.cos(angle + 1.57) * radius * 0.1
        stem = (x, y - radius * 0.62)
        draw.polygon([(stem[0] - side, stem[1] - 6), tip, (stem[0] + side, stem[1] + 6)], fill=(52, 104, 40))


def coffee(rng: random.Random, size: Size) -> Image.Image:
    """Draw a cup of coffee on a table, from above, beside a notebook."""
    width, height = size.drawn
    wood = canvas.noise(rng, (width // 2, height // 24), 8).resize(size.drawn)
    tone = rng.choice(((126, 84, 54), (92, 66, 52), (186, 148, 110)))
    image = ImageOps.colorize(wood, canvas.mix(tone, (0, 0, 0), 0.35), canvas.mix(tone, WHITE, 0.2))
    _notebook(rng, image)
    center, radius = (width * rng.uniform(0.3, 0.4), height * rng.uniform(0.45, 0.55)), height * 0.3
    for share, color in (
        (1.06, canvas.mix(tone, (0, 0, 0), 0.6)),
        (1, (236, 234, 228)),
        (0.94, (250, 249, 246)),
    ):
        canvas.circle(
            image,
            (center[0] + radius * (share - 1) * 0.8, center[1] + radius * (share - 1)),
            radius * share,
            color,
        )
    draw = ImageDraw.Draw(image)
    handle = (
        center[0] + radius * 0.5,
        center[1] - radius * 0.1,
        center[0] + radius * 0.95,
        center[1] + radius * 0.1,
    )
    draw.rounded_rectangle(handle, radius * 0.08, fill=(228, 226, 220))
    for share, color in (
        (0.66, (222, 219, 212)),
        (0.62, (252, 251, 249)),
        (0.55, (60, 34, 20)),
        (0.5, (104, 64, 38)),
    ):
        canvas.circle(image, center, radius * share, color)
    canvas.glow(
        image, (center[0] - radius * 0.15, center[1] - radius * 0.15), radius * 0.3, (206, 164, 118), 0.9
    )
    return canvas.finished(image)


def _notebook(rng: random.Random, image: Image.Image) -> None:
    """Draw an open page with lines, lying a little askew."""
    width, height = image.size
    page = Image.new("RGB", (round(width * 0.34), round(height * 0.8)), (248, 246, 238))
    draw = ImageDraw.Draw(page)
    for y in range(70, page.height - 30, 44):
        draw.line((30, y, page.width - 30, y), fill=(204, 214, 226), width=2)
        draw.line((40, y - 8, 40 + (page.width - 90) * rng.random(), y - 8), fill=(62, 66, 92), width=4)
    mask = Image.new("L", page.size, 255)
    angle = rng.uniform(-9, 9)
    place = (round(width * 0.6), round(height * 0.1))
    turned = page.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    image.paste(turned, place, mask.rotate(angle, expand=True))
