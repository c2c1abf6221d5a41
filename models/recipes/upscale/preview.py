"""The picture on the card: a drawing, enlarged by bicubic and by the network."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bridge.inference.package import ModelPackage
from converters.contact_sheet import write_contact_sheet
from converters.luma_psnr import Rgb8
from converters.scores.plain_model import PlainModel

LOW = (80, 90)
"""Width and height of the drawing as the network is given it."""
DRAWN = (160, 180)
"""The same in the unit that the drawing's coordinates are written in."""
FINE = 8
"""The drawing is made this much larger and reduced, so that its edges are smooth."""

PAPER = (236, 230, 214)
INK = (28, 30, 40)
COLOURS = ((196, 62, 48), (40, 96, 160), (238, 176, 60), (52, 120, 84))


def write_preview(package: ModelPackage, path: Path) -> None:
    """Draw, reduce, enlarge both ways, and write a PNG of both beside the drawing."""
    port = package.manifest.frame_output
    assert port is not None
    scale = port.scale
    high = draw_detail((LOW[0] * scale, LOW[1] * scale))
    low: Rgb8 = np.asarray(high.resize(LOW, Image.Resampling.BICUBIC))
    network = np.rint(PlainModel(package).run(low)).astype(np.uint8)
    bicubic = Image.fromarray(low).resize(high.size, Image.Resampling.BICUBIC)
    row = [
        (f"bicubic x{scale}", np.asarray(bicubic)),
        (package.name, network),
        ("the drawing itself", np.asarray(high)),
    ]
    write_contact_sheet(path, [row])


def draw_detail(size: tuple[int, int]) -> Image.Image:
    """Text, thin lines, circles and curves: RGB, of `size` (width, height)."""
    picture = Image.new("RGB", (DRAWN[0] * FINE, DRAWN[1] * FINE), PAPER)
    pen = ImageDraw.Draw(picture)

    def at(*numbers: float) -> tuple[float, ...]:
        return tuple(FINE * number for number in numbers)

    pen.text((8 * FINE, 4 * FINE), "Framebridge", INK, ImageFont.load_default(24 * FINE))
    pen.text(
        (9 * FINE, 33 * FINE), "frames leave, and return", INK, ImageFont.load_default(12 * FINE)
    )
    for index in range(13):
        angle = math.pi * index / 24
        end = (10 + 62 * math.cos(angle), 116 - 62 * math.sin(angle))
        pen.line(at(10, 116, *end), INK, round((0.6 + index / 10) * FINE))
    for index, colour in enumerate(COLOURS):
        radius = 34 - 8 * index
        centre = (118, 88)
        box = at(*(c - radius for c in centre), *(c + radius for c in centre))
        pen.ellipse(box, colour, INK, round(1.2 * FINE))
    for index, colour in enumerate(COLOURS):
        wave = [
            (FINE * x, FINE * (138 + 9 * index + 7 * math.sin(x / 11 + index))) for x in range(161)
        ]
        pen.line(wave, colour, round((1.2 + 0.5 * index) * FINE), "curve")
    return picture.resize(size, Image.Resampling.BOX)
