"""A picture of our own to show a network on: lettering, thin lines, flat areas, soft light and
texture, all drawn, so that nothing has to be shipped."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 384, 288
_FINE = 4
_PAPER, _INK = (236, 230, 214), (28, 30, 40)
_COLOURS = ((196, 62, 48), (40, 96, 160), (238, 176, 60), (52, 120, 84), (150, 84, 150))


def draw(width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """uint8 (height, width, 3), RGB, sRGB-encoded."""
    picture = Image.fromarray(_light(WIDTH * _FINE, HEIGHT * _FINE))
    pen = ImageDraw.Draw(picture)
    _fan(pen)
    _rings(pen)
    _waves(pen)
    pen.text((14 * _FINE, 8 * _FINE), "Framebridge", _INK, ImageFont.load_default(34 * _FINE))
    pen.text(
        (16 * _FINE, 50 * _FINE),
        "frames leave, and return",
        _INK,
        ImageFont.load_default(13 * _FINE),
    )
    picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    if (width, height) != (WIDTH, HEIGHT):
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    grain = np.random.default_rng(0).normal(0, 2.0, (height, width, 1))
    return np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)


def _light(width: int, height: int) -> npt.NDArray[np.uint8]:
    """Paper, lit from one side, and a bright sky in the lower right."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    shade = 1 - 0.35 * np.hypot(columns / width - 0.2, rows / height - 0.2)
    paper = shade[..., None] * np.asarray(_PAPER, np.float32)
    return np.asarray(paper.clip(0, 255), np.uint8)


def _at(*numbers: float) -> tuple[float, ...]:
    return tuple(_FINE * number for number in numbers)


def _fan(pen: ImageDraw.ImageDraw) -> None:
    for index in range(15):
        angle = math.pi * index / 28
        end = (18 + 120 * math.cos(angle), 206 - 120 * math.sin(angle))
        pen.line(_at(18, 206, *end), _INK, round((0.5 + index / 9) * _FINE))


def _rings(pen: ImageDraw.ImageDraw) -> None:
    x, y = 274, 132
    for index, colour in enumerate(_COLOURS):
        radius = 74 - 14 * index
        box = _at(x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(box, colour, _INK, round(1.4 * _FINE))
    for row in range(8):
        for column in range(8):
            if (row + column) % 2:
                left, top = 330 + 5 * column, 20 + 5 * row
                pen.rectangle(_at(left, top, left + 5, top + 5), _INK)


def _waves(pen: ImageDraw.ImageDraw) -> None:
    for index, colour in enumerate(_COLOURS):
        points = [
            (_FINE * x, _FINE * (224 + 11 * index + 8 * math.sin(x / 13 + index)))
            for x in range(-4, WIDTH + 5)
        ]
        pen.line(points, colour, round((1.5 + index) * _FINE), "curve")
