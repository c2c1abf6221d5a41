"""Shoes as somebody draws them with a mouse in half a minute: crooked outlines and few details.

Points are written down by hand, pixels of a sheet of 256x256; a hand that is not quite steady draws
through them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from converters.scores.lines import Rgb8

SIDE = 256
FINE = 4
"""The sheet is drawn this much larger and reduced."""
_STEPS = 14
"""Between two points."""

Stroke = list[tuple[float, float]]

SKETCHES: dict[str, list[Stroke]] = {
    "sneaker": [
        [(22, 178), (26, 150), (52, 138), (92, 124), (122, 96), (150, 82), (166, 92), (196, 88),
         (222, 74), (234, 82), (236, 120), (240, 160), (238, 184)],
        [(22, 178), (20, 196), (40, 202), (120, 204), (200, 206), (238, 204), (238, 184)],
        [(22, 180), (80, 188), (160, 188), (238, 184)],
        [(98, 122), (118, 136)], [(112, 108), (132, 122)], [(126, 96), (146, 110)],
        [(52, 140), (66, 158), (60, 184)],
        [(166, 92), (172, 112), (200, 116), (226, 100)],
    ],
    "boot": [
        [(92, 20), (96, 70), (98, 118), (90, 148), (60, 166), (34, 182), (26, 206), (30, 216)],
        [(92, 20), (130, 16), (172, 22)],
        [(172, 22), (168, 80), (172, 130), (178, 170), (180, 214)],
        [(30, 216), (80, 218), (120, 214), (140, 208), (142, 232), (180, 232), (180, 214)],
        [(28, 206), (80, 208), (130, 202), (180, 200)],
        [(96, 40), (130, 38), (170, 42)],
    ],
    "high heel": [
        [(20, 206), (36, 190), (74, 168), (120, 118), (156, 74), (186, 56), (206, 62)],
        [(206, 62), (214, 90), (206, 124), (202, 170), (200, 222), (192, 222), (190, 170),
         (184, 138)],
        [(184, 138), (158, 150), (126, 184), (96, 212), (54, 220), (26, 216), (20, 206)],
        [(74, 168), (96, 178), (140, 140), (178, 96), (206, 62)],
    ],
    "slipper": [
        [(18, 182), (24, 156), (60, 140), (104, 132), (122, 128), (170, 132), (220, 128),
         (238, 142), (240, 176)],
        [(18, 182), (30, 196), (120, 200), (220, 198), (240, 176)],
        [(122, 128), (132, 148), (180, 152), (238, 142)],
    ],
    "ankle boot": [
        [(104, 60), (110, 104), (94, 128), (56, 146), (26, 164), (18, 192), (22, 202)],
        [(104, 60), (150, 52), (198, 60)],
        [(198, 60), (202, 110), (208, 150), (206, 200)],
        [(22, 202), (90, 206), (150, 202), (206, 200)],
        [(20, 190), (90, 194), (150, 190), (206, 188)],
        [(108, 92), (130, 90)], [(108, 106), (132, 104)], [(98, 122), (126, 122)],
        [(88, 132), (116, 136)],
    ],
    "sandal": [
        [(20, 200), (40, 188), (110, 192), (170, 178), (226, 170), (236, 178), (230, 190),
         (170, 200), (110, 212), (40, 214), (20, 200)],
        [(60, 190), (84, 158), (112, 190)],
        [(76, 190), (90, 168), (100, 190)],
        [(180, 178), (176, 130), (196, 112), (220, 122), (226, 170)],
        [(192, 174), (190, 138), (202, 126), (212, 134), (214, 170)],
    ],
}  # fmt: skip


def draw(name: str, thickness: float = 2.5, seed: int = 0) -> Rgb8:
    """One of SKETCHES: uint8 (256, 256, 3), black on white.

    Args:
        thickness: of a stroke, in pixels.
        seed: of the hand.
    """
    random = np.random.default_rng(seed)
    sheet = Image.new("L", (SIDE * FINE, SIDE * FINE), 255)
    pen = ImageDraw.Draw(sheet)
    radius = thickness * FINE / 2
    for stroke in SKETCHES[name]:
        path = _by_hand(np.asarray(stroke, np.float64), random) * FINE
        pen.line([tuple(point) for point in path], 0, round(2 * radius), "curve")
        for x, y in (path[0], path[-1]):
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), 0)
    small = sheet.resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small.convert("RGB"))


def _by_hand(
    points: npt.NDArray[np.float64], random: np.random.Generator
) -> npt.NDArray[np.float64]:
    """A curve near the points, with a slow tremor: (N, 2)."""
    points = points + random.normal(0, 1.2, points.shape)
    ends = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, _STEPS, endpoint=False)[:, None]
    pieces = []
    for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False):
        # Catmull and Rom's cubic.
        pieces.append(
            b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        )
    curve = np.concatenate([*pieces, points[-1:]])
    tremor = random.normal(0, 1, (len(curve) // 9 + 2, 2)).cumsum(axis=0) * 0.35
    index = np.linspace(0, len(tremor) - 1, len(curve))
    shake = [np.interp(index, np.arange(len(tremor)), tremor[:, axis]) for axis in (0, 1)]
    return np.asarray(curve + np.stack(shake, 1))
