"""Pictures for people: how far a run is, and what a package makes of drawings."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from bridge.contact_sheet import Cell, Rgb8, draw

from .motion import MESH, Motion

GAP = 4
SIZE = (256, 160)
FINE = 3
"""Drawn that many times larger, and moved and averaged there."""
STEPS = 33
GAMMA = 2.2

SKY, HORIZON, ROAD = (96, 140, 190), (230, 214, 190), (70, 72, 80)
WALLS = ((182, 92, 70), (206, 178, 132), (120, 128, 140), (84, 104, 120))
GLASS, LIT, SIGN, INK = (44, 58, 76), (250, 226, 150), (244, 240, 228), (24, 26, 34)


def write_progress(rows: list[list[Tensor]], path: Path) -> None:
    """Write a PNG: a row for each list, its pictures side by side.

    Args:
        rows: float (3, H, W), RGB, of 1; of one size in each row.
    """
    width = max(sum(p.shape[2] + GAP for p in row) for row in rows) - GAP
    height = sum(row[0].shape[1] + GAP for row in rows) - GAP
    sheet = Image.new("RGB", (width, height), "white")
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            pixels = (255 * picture.clamp(0, 1)).round().to(torch.uint8)
            sheet.paste(Image.fromarray(np.asarray(pixels.permute(1, 2, 0))), (left, top))
            left += picture.shape[2] + GAP
        top += row[0].shape[1] + GAP
    sheet.save(path)


def write_preview(sharpened: Callable[[Rgb8], Rgb8], path: Path) -> None:
    """Draw a street, blur it as a moving camera does, and show what is made of it.

    Args:
        sharpened: what a package makes of a frame, uint8 (H, W, 3).
    """
    street = draw_street()
    rows: list[list[Cell]] = []
    for label, motion in (
        ("camera swings sideways, 4 pixels", _motion(shift=(4, 1))),
        ("camera turns, 6 pixels at the corners", _motion(turn=6)),
        ("nothing moves", _motion()),
    ):
        frame = _exposed(street, motion)
        sharp = _exposed(street, _motion())
        rows.append([(label, frame), ("deblur-motion", sharpened(frame)), ("sharp", sharp)])
    sheet = Image.fromarray(draw(rows, "deblur-motion"))
    # 256 colours are enough for a drawing, and a third of the bytes.
    sheet.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def draw_street(seed: int = 3) -> Image.Image:
    """Houses with windows, a sign with letters, a railing: RGB, FINE times SIZE."""
    random = np.random.default_rng(seed)
    width, height = (FINE * side for side in SIZE)
    picture = Image.new("RGB", (width, height), ROAD)
    pen = ImageDraw.Draw(picture)
    ground = round(0.72 * height)
    for y in range(ground):
        share = y / ground
        colour = tuple(round(a + (b - a) * share) for a, b in zip(SKY, HORIZON, strict=True))
        pen.line((0, y, width, y), colour)  # type: ignore[arg-type]
    left = 0
    for index in range(6):
        right = left + int(random.integers(110, 170))
        top = int(random.integers(40, 190))
        pen.rectangle((left, top, right, ground), WALLS[index % len(WALLS)])
        for x in range(left + 12, right - 20, 26):
            for y in range(top + 14, ground - 24, 34):
                pen.rectangle((x, y, x + 14, y + 20), LIT if random.random() < 0.3 else GLASS)
        left = right + int(random.integers(0, 14))
    pen.rectangle((90, 236, 442, 306), SIGN, INK, 3)
    pen.text((104, 242), "FRAMEBRIDGE", INK, ImageFont.load_default(46))
    for x in range(0, width, 24):
        pen.line((x, ground - 30, x, ground + 16), INK, 5)
    pen.line((0, ground - 28, width, ground - 28), INK, 6)
    for index in range(9):
        x = 100 * index
        pen.polygon(
            [(x, height - 30), (x + 50, height - 30), (x + 60, height - 18), (x + 6, height - 18)],
            SIGN,
        )
    return picture


def _motion(shift: tuple[float, float] = (0, 0), turn: float = 0) -> Motion:
    """Even speed. `shift`: pixels of SIZE in all; `turn`: what corners travel."""
    width, height = (FINE * side for side in SIZE)
    paths = torch.zeros((3, 3))
    paths[0, 0], paths[1, 0] = (FINE * way / 2 for way in shift)
    paths[2, 0] = FINE * turn / 2 / (math.hypot(width, height) / 2)
    return Motion(height, width, paths[:2], paths[2], torch.zeros(3), torch.ones((MESH, MESH)))


def _exposed(picture: Image.Image, motion: Motion) -> Rgb8:
    """The mean light of a moving picture, reduced to SIZE."""
    encoded = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1) / 255
    light = encoded**GAMMA
    times = [2 * step / (STEPS - 1) - 1 for step in range(STEPS)]
    mean = torch.stack([motion.moved(light, time) for time in times]).mean(0)
    pixels = (255 * mean.clamp(0, 1) ** (1 / GAMMA)).round().to(torch.uint8)
    reduced = Image.fromarray(pixels.permute(1, 2, 0).numpy()).resize(SIZE, Image.Resampling.BOX)
    return np.asarray(reduced)
