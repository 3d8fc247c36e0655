"""Drawn screenshots and posters: a dashboard, a mock-up of an app, shapes."""

import math
import random

from PIL import Image, ImageDraw

from hubbub.services.seed import canvas
from hubbub.services.seed.canvas import WHITE, Color, Size

ACCENTS: tuple[Color, ...] = (
    (31, 111, 235),
    (217, 72, 95),
    (18, 140, 112),
    (124, 77, 220),
    (224, 122, 30),
    (20, 130, 168),
)
_PAPER: Color = (246, 247, 250)
_RULE: Color = (222, 226, 234)
_INK: Color = (52, 58, 74)
_GREY: Color = (128, 136, 152)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def dashboard(rng: random.Random, size: Size) -> Image.Image:
    """Draw figures, a line chart and a bar chart."""
    width, height = size.drawn
    accent = rng.choice(ACCENTS)
    image = Image.new("RGB", size.drawn, _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height * 0.08), fill=canvas.mix(accent, (0, 0, 0), 0.45))
    title = rng.choice(("Overview", "Requests", "Visitors", "Latency", "Orders"))
    canvas.text(image, (width * 0.09, height * 0.04), title, height * 0.035, WHITE)
    for column in range(4):
        box = _panel(image, (0.03 + column * 0.24, 0.12, 0.25 + column * 0.24, 0.28))
        figure = f"{rng.randint(2, 980)}{rng.choice(('', ' ms', ' %', 'k'))}"
        canvas.text(image, (sum(box[::2]) / 2, box[1] + height * 0.065), figure, height * 0.055, _INK)
        label = rng.choice(("today", "p95", "per minute", "open", "new"))
        canvas.text(image, (sum(box[::2]) / 2, box[3] - height * 0.03), label, height * 0.026, _GREY)
    _curve_chart(rng, image, _panel(image, (0.03, 0.32, 0.63, 0.94)), accent)
    _bar_chart(rng, image, _panel(image, (0.66, 0.32, 0.97, 0.94)), accent)
    return canvas.finished(image)


def _panel(
    image: Image.Image, shares: tuple[float, float, float, float]
) -> tuple[float, float, float, float]:
    """Draw a white box; its edges are shares of the picture's. Returns them in pixels."""
    width, height = image.size
    box = (shares[0] * width, shares[1] * height, shares[2] * width, shares[3] * height)
    ImageDraw.Draw(image).rounded_rectangle(box, 16, fill=WHITE, outline=_RULE, width=3)
    return box


def _curve_chart(
    rng: random.Random, image: Image.Image, box: tuple[float, float, float, float], accent: Color
) -> None:
    left, top, right, bottom = box[0] + 50, box[1] + 60, box[2] - 50, box[3] - 80
    draw = ImageDraw.Draw(image)
    for step in range(5):
        y = top + (bottom - top) * step / 4
        draw.line((left, y, right, y), fill=_RULE, width=2)
    for color, roughness in ((canvas.mix(accent, WHITE, 0.6), 0.4), (accent, 0.55)):
        heights = canvas.ridge(rng, 32, roughness)
        points = [
            (left + (right - left) * x / 32, bottom - (bottom - top) * (0.1 + 0.8 * each))
            for x, each in enumerate(heights)
        ]
        draw.line(points, fill=color, width=7, joint="curve")
    for index, day in enumerate(_DAYS):
        canvas.text(image, (left + (right - left) * (index + 0.5) / 7, bottom + 40), day, 30, _GREY)


def _bar_chart(
    rng: random.Random, image: Image.Image, box: tuple[float, float, float, float], accent: Color
) -> None:
    left, top, right, bottom = box[0] + 50, box[1] + 60, box[2] - 50, box[3] - 60
    draw, bars = ImageDraw.Draw(image), 7
    step = (right - left) / bars
    for index in range(bars):
        x, value = left + step * index, rng.uniform(0.15, 1)
        bar = (x + step * 0.15, bottom - (bottom - top) * value, x + step * 0.85, bottom)
        draw.rounded_rectangle(bar, 8, fill=canvas.mix(accent, WHITE, 0.5 * (index % 2)))
    draw.line((left, bottom, right, bottom), fill=_GREY, width=3)


def mockup(rng: random.Random, size: Size) -> Image.Image:
    """Draw the mock-up of an app: a phone in front of a page."""
    width, height = size.drawn
    accent = rng.choice(ACCENTS)
    image = canvas.gradient(size.drawn, canvas.mix(accent, WHITE, 0.75), canvas.mix(accent, WHITE, 0.35))
    page = _panel(image, (0.1, 0.14, 0.78, 0.9))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((page[0], page[1], page[2], page[1] + 70), 16, fill=accent)
    _rows(rng, image, (page[0] + 50, page[1] + 120, page[2] - 300, page[3] - 40), 5)
    phone_width = height * 0.38
    left, top = width * 0.66, height * 0.16
    draw.rounded_rectangle((left, top, left + phone_width, top + height * 0.76), 60, fill=(28, 30, 40))
    screen = (left + 18, top + 18, left + phone_width - 18, top + height * 0.76 - 18)
    draw.rounded_rectangle(screen, 44, fill=WHITE)
    circle = ((screen[0] + screen[2]) / 2, screen[1] + height * 0.14)
    canvas.circle(image, circle, height * 0.07, canvas.mix(accent, WHITE, 0.3))
    _rows(rng, image, (screen[0] + 36, screen[1] + height * 0.28, screen[2] - 36, screen[3] - 130), 4)
    button = (screen[0] + 36, screen[3] - 110, screen[2] - 36, screen[3] - 40)
    draw.rounded_rectangle(button, 35, fill=accent)
    return canvas.finished(image)


def _rows(rng: random.Random, image: Image.Image, box: tuple[float, float, float, float], rows: int) -> None:
    """Draw rows of a list: a square, a title and a line below it."""
    draw = ImageDraw.Draw(image)
    step = (box[3] - box[1]) / rows
    for row in range(rows):
        y, side = box[1] + step * row, step * 0.6
        color = canvas.mix(rng.choice(ACCENTS), WHITE, 0.5)
        draw.rounded_rectangle((box[0], y, box[0] + side, y + side), 14, fill=color)
        left, space = box[0] + side + 24, box[2] - box[0] - side - 24
        draw.rounded_rectangle(
            (left, y + side * 0.15, left + space * rng.uniform(0.4, 0.8), y + side * 0.4), 9, fill=_GREY
        )
        draw.rounded_rectangle(
            (left, y + side * 0.6, left + space * rng.uniform(0.6, 1), y + side * 0.8), 9, fill=_RULE
        )


def poster(rng: random.Random, size: Size) -> Image.Image:
    """Draw large shapes in a few colors."""
    width, height = size.drawn
    accent, other = rng.sample(ACCENTS, 2)
    paper: Color = rng.choice(((244, 238, 226), (232, 240, 242), (30, 34, 52)))
    image = Image.new("RGB", size.drawn, paper)
    draw = ImageDraw.Draw(image)
    for _ in range(3):
        radius = rng.uniform(0.18, 0.42) * height
        canvas.circle(
            image,
            (rng.random() * width, rng.random() * height),
            radius,
            canvas.mix(rng.choice((accent, other)), paper, rng.random() * 0.6),
        )
    for _ in range(2):
        x, y, side, turn = (
            rng.random() * width,
            rng.random() * height,
            rng.uniform(0.2, 0.5) * height,
            rng.random(),
        )
        corners = [
            (x + math.cos((turn + k / 3) * math.tau) * side, y + math.sin((turn + k / 3) * math.tau) * side)
            for k in range(3)
        ]
        draw.polygon(corners, fill=canvas.mix(other, paper, rng.random() * 0.5))
    band = height * rng.uniform(0.04, 0.1)
    start = rng.uniform(0.1, 0.7) * height
    for stripe in range(4):
        y = start + stripe * band * 1.7
        draw.polygon(
            [(0, y), (width, y - height * 0.2), (width, y - height * 0.2 + band), (0, y + band)], fill=accent
        )
    return canvas.finished(image)
