"""Parts of drawn pictures: gradients, noise, ridges and text. The same random source draws the same."""

import io
import random
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont, ImageOps

Color = tuple[int, int, int]
Point = tuple[float, float]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
# Pictures are drawn twice as large and then reduced, so that edges are smooth.
SCALE = 2
_JPEG_QUALITY = 88


class Size(NamedTuple):
    """Width and height of a finished picture, in pixels."""

    width: int
    height: int

    @property
    def drawn(self) -> tuple[int, int]:
        """The size in which it is drawn."""
        return self.width * SCALE, self.height * SCALE


def mix(first: Color, second: Color, share: float) -> Color:
    """Return a color between two: the first at 0, the second at 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def gradient(size: tuple[int, int], top: Color, bottom: Color) -> Image.Image:
    """Return an image whose color changes from the top to the bottom."""
    column = Image.linear_gradient("L").resize((1, size[1]))
    return ImageOps.colorize(column, top, bottom).resize(size)


def noise(rng: random.Random, size: tuple[int, int], cells: int) -> Image.Image:
    """Return soft grey noise, as of clouds or leaves: `cells` spots beside each other, and finer ones."""
    image = _spots(rng, size, cells)
    for octave, share in ((2, 0.4), (4, 0.3), (8, 0.2)):
        image = Image.blend(image, _spots(rng, size, cells * octave), share)
    return ImageOps.autocontrast(image)


def _spots(rng: random.Random, size: tuple[int, int], cells: int) -> Image.Image:
    rows = max(2, round(cells * size[1] / size[0]))
    small = Image.frombytes("L", (cells, rows), rng.randbytes(cells * rows))
    return small.resize(size, Image.Resampling.BICUBIC)


def glow(image: Image.Image, center: Point, radius: float, color: Color, strength: float = 1.0) -> None:
    """Lighten a round area: most in its center, not at all at its edge."""
    side = max(2, round(radius * 2))
    disc = ImageOps.invert(Image.radial_gradient("L")).resize((side, side))
    mask = disc.point([round(max(0, value - 75) / 180 * 255 * strength) for value in range(256)])
    image.paste(color, (round(center[0] - radius), round(center[1] - radius)), mask)


def circle(image: Image.Image, center: Point, radius: float, color: Color) -> None:
    """Draw a disc."""
    x, y = center
    ImageDraw.Draw(image).ellipse((x - radius, y - radius, x + radius, y + radius), fill=color)


def ridge(rng: random.Random, steps: int, roughness: float) -> list[float]:
    """Return heights from 0 to 1 of a line of hills, by displacement of the middle; `steps` + 1 of them.

    A small roughness gives round hills, 0.6 gives rocks. `steps` is a power of two.
    """
    heights = [0.0] * (steps + 1)
    heights[0], heights[-1] = rng.random(), rng.random()
    length, spread = steps, 1.0
    while length > 1:
        half = length // 2
        for middle in range(half, steps, length):
            mean = (heights[middle - half] + heights[middle + half]) / 2
            heights[middle] = mean + rng.uniform(-spread, spread) / 2
        length, spread = half, spread * roughness
    low, high = min(heights), max(heights)
    return [(height - low) / (high - low or 1) for height in heights]


def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return the font that is part of Pillow. It has Latin letters only."""
    return ImageFont.load_default(size)


def text(image: Image.Image, center: Point, words: str, size: float, color: Color) -> None:
    """Draw a line of text around a point."""
    ImageDraw.Draw(image).text(center, words, fill=color, font=font(size), anchor="mm")


def finished(image: Image.Image) -> Image.Image:
    """Return a drawn picture in its final size."""
    return image.reduce(SCALE)


def to_jpeg(image: Image.Image) -> bytes:
    """Return the file of a photo."""
    return _saved(image, "JPEG", quality=_JPEG_QUALITY)


def to_png(image: Image.Image) -> bytes:
    """Return the file of a drawing with few colors."""
    return _saved(image, "PNG", compress_level=6)


def _saved(image: Image.Image, kind: str, **options: int) -> bytes:
    target = io.BytesIO()
    image.save(target, format=kind, **options)
    return target.getvalue()
