"""Drawn pictures to learn from: skies, walls, checkered floors, discs, lettering and thin lines.

Photographs have none of the flat colours and clean edges that a game engine draws.
"""

from __future__ import annotations

import math
import string
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

FINE = 3
"""Drawn this much larger and reduced, so that edges are smooth."""

Rgb8 = npt.NDArray[np.uint8]
"""uint8 (H, W, 3)."""
Random = np.random.Generator


def draw(random: Random, side: int) -> Rgb8:
    """A square picture of `side` pixels."""
    large = side * FINE
    picture = _sky(random, large)
    pen = ImageDraw.Draw(picture)
    kinds = [_polygon, _disc, _bars, _checkers, _letters, _curve, _wheel]
    for _ in range(random.integers(3, 9)):
        kinds[random.integers(len(kinds))](pen, random, large)
    return np.asarray(picture.resize((side, side), Image.Resampling.BOX))


def _colour(random: Random) -> tuple[int, int, int]:
    # Half of them greyish, as most of what is built is.
    grey, tint = random.uniform(0, 255), random.uniform(-1, 1, 3)
    reach = random.choice([25.0, 160.0])
    red, green, blue = (int(np.clip(grey + reach * t, 0, 255)) for t in tint)
    return red, green, blue


def _sky(random: Random, side: int) -> Image.Image:
    corners = np.array([[_colour(random) for _ in range(3)] for _ in range(2)], np.uint8)
    corners = corners[:, : random.integers(1, 4)]
    return Image.fromarray(corners).resize((side, side), Image.Resampling.BICUBIC)


def _place(random: Random, side: int) -> tuple[float, float, float]:
    x, y = random.uniform(0, side, 2)
    return x, y, side * random.uniform(0.05, 0.4)


def _polygon(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    x, y, size = _place(random, side)
    turns = np.sort(random.uniform(0, math.tau, random.integers(3, 7)))
    corners = [(x + size * math.cos(t), y + size * math.sin(t)) for t in turns]
    pen.polygon(corners, _colour(random))


def _disc(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    x, y, size = _place(random, side)
    box = (x - size, y - size, x + size, y + size)
    width = int(random.integers(0, 8))
    pen.ellipse(box, _colour(random), _colour(random) if width else None, width)


def _bars(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    """A row of columns, or of steps."""
    x, y, size = _place(random, side)
    colour, pitch = _colour(random), random.uniform(4, 24) * FINE
    upright = random.random() < 0.6
    for index in range(int(2 * size / pitch)):
        start = (x if upright else y) + index * pitch
        end = start + pitch * 0.5
        pen.rectangle((start, y, end, y + size) if upright else (x, start, x + size, end), colour)


def _checkers(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    """A floor that runs to the horizon."""
    horizon = random.uniform(0.3, 0.8) * side
    colours, pitch = (_colour(random), _colour(random)), random.uniform(0.5, 2.0)
    edges = [horizon + (side - horizon) / (1 + pitch * row) for row in range(12)]
    for row, (low, high) in enumerate(pairwise(edges)):
        for column in range(-8, 8):
            spots = []
            for y, c in ((low, column), (low, column + 1), (high, column + 1), (high, column)):
                spots.append((side / 2 + c * (y - horizon) * 0.45, y))
            pen.polygon(spots, colours[(row + column) % 2])


def _letters(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    x, y, size = _place(random, side)
    word = "".join(random.choice(list(string.ascii_uppercase), 6))
    pen.text((x - size, y), word, _colour(random), ImageFont.load_default(max(18.0, 0.5 * size)))


def _curve(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    x, y, size = _place(random, side)
    wave = [(i * side / 40, y + size * math.sin(i / 6 + x)) for i in range(41)]
    pen.line(wave, _colour(random), int(random.integers(2, 16)), "curve")


def _wheel(pen: ImageDraw.ImageDraw, random: Random, side: int) -> None:
    x, y, size = _place(random, side)
    spokes, colour, start = int(random.integers(6, 30)), _colour(random), random.uniform(0, 360)
    box = (x - size, y - size, x + size, y + size)
    for index in range(spokes):
        begin = start + 360 * index / spokes
        pen.pieslice(box, begin, begin + 180 / spokes, colour)
