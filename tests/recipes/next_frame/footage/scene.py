"""A drawn scene that moves and comes round again: footage for tests."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bridge.frames import Pixels
from bridge.media import Still, VideoOutput

PERIOD = 30
"""Frames until it is the same picture again."""
_SKY, _SUN, _BAR, _BOAT = (38, 52, 96), (244, 190, 84), (196, 74, 60), (232, 232, 224)


def draw_scene(index: int, width: int = 96, height: int = 64) -> Pixels:
    """uint8 (H, W, 4): a sun goes round, a bar swings, a boat sails to and fro."""
    turn = 2 * math.pi * index / PERIOD
    fine = 3
    picture = Image.new("RGBA", (fine * width, fine * height), (*_SKY, 255))
    pen = ImageDraw.Draw(picture)
    x, y = width * (0.5 + 0.3 * math.cos(turn)), height * (0.4 + 0.25 * math.sin(turn))
    pen.ellipse([fine * (v - 9) for v in (x, y)] + [fine * (v + 9) for v in (x, y)], (*_SUN, 255))
    end = (0.5 * width + 0.4 * width * math.sin(turn), 0.35 * height)
    pen.line([fine * v for v in (0.5 * width, height, *end)], (*_BAR, 255), 4 * fine)
    left = width * (0.15 + 0.5 * (0.5 - 0.5 * math.cos(turn)))
    pen.rectangle(
        [fine * v for v in (left, 0.8 * height, left + 0.2 * width, 0.92 * height)], (*_BOAT, 255)
    )
    return np.asarray(picture.resize((width, height), Image.Resampling.BOX))


def write_clip(path: Path, count: int, width: int = 96, height: int = 64) -> Path:
    """A video at `path`, or a folder of PNG files if it has no ending."""
    if not path.suffix:
        path.mkdir()
        for index in range(count):
            Image.fromarray(draw_scene(index, width, height)).save(path / f"frame{index}.png")
        return path
    with VideoOutput(path, Fraction(30)) as video:
        for index in range(count):
            video.write(Still(f"{index}", draw_scene(index, width, height), has_alpha=False))
    return path


def write_gif(path: Path, count: int, width: int = 96, height: int = 64) -> Path:
    frames = [Image.fromarray(draw_scene(i, width, height)).convert("RGB") for i in range(count)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=40, loop=0)
    return path
