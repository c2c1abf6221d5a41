"""Frames that a feedback loop may be started from."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from .world import Batch, World

KINDS = ("typical", "black", "white", "flat", "noise", "clouds", "drawing")


def first_frame(kind: str, world: World, random: np.random.Generator) -> Batch:
    """One frame (3, H, W), 0 to 1."""
    size = (3, world.height, world.width)
    if kind == "typical":
        return world.first_pictures(1, random)[0]
    if kind == "noise":
        return np.clip(random.normal(0.5, 0.25, size), 0, 1, dtype=np.float32)
    if kind == "clouds":
        return _clouds(size, random)
    if kind == "drawing":
        return drawing(world.height, world.width, random)
    levels = {"black": np.zeros(3), "white": np.ones(3), "flat": random.random(3)}[kind]
    return np.broadcast_to(levels[:, None, None], size).astype(np.float32)


def drawing(height: int, width: int, random: np.random.Generator) -> Batch:
    """Lines, discs and boxes of any colour before a gradient, smooth at their edges."""
    fine = 2
    rows = np.linspace(0, 1, height * fine)[:, None, None]
    ground = random.random(3) * (1 - rows) + random.random(3) * rows
    whole = np.broadcast_to(255 * ground, (height * fine, width * fine, 3)).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(whole))
    pen = ImageDraw.Draw(picture)
    for index in range(12):
        colour = tuple(int(level) for level in random.integers(0, 256, 3))
        x, y = random.random(2) * (width * fine, height * fine)
        a, b = random.random(2) * 0.3 * fine * min(height, width)
        if index % 3 == 0:
            pen.line((x, y, x + 3 * a - b, y + b), colour, int(random.integers(1, 8)))
        elif index % 3 == 1:
            pen.ellipse((x - a, y - a, x + a, y + a), colour)
        else:
            pen.rectangle((x, y, x + a, y + b), colour)
    reduced = np.asarray(picture.resize((width, height), Image.Resampling.BOX), np.float32)
    return np.ascontiguousarray(reduced.transpose(2, 0, 1) / np.float32(255))


def _clouds(size: tuple[int, int, int], random: np.random.Generator) -> Batch:
    """Noise with the spectrum of photographs: amplitude falls as 1 / frequency."""
    _, height, width = size
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    falling = 1 / np.maximum(frequency, 1 / max(height, width))
    planes = np.fft.irfft2(np.fft.rfft2(random.normal(size=size)) * falling, s=(height, width))
    # Colours of photographs go together; one plane for all and a little of each.
    planes = planes / planes.std() + planes[:1] / planes[:1].std()
    return np.clip(0.5 + 0.15 * planes, 0, 1, dtype=np.float32)
