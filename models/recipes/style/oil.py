"""Oil: patches of rich colour with clean borders, laid on with a bristle brush along the edges.

Colour and direction are found from the frame alone and move with it. The brush strokes themselves
lie on the screen, six drawings of them, one a direction: a picture takes at each place from those
that run as its edges do.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from .flow import Flow, along, edge_flow
from .painting import Easel, Painting
from .planes import Plane, Planes, blur, sample
from .screen import PERIOD, noise

DIRECTIONS = 6
SECTORS = 8
REACH, SECTOR_SIGMA = 4.0, 2.0
"""Pixels from a pixel to the middle of a sector, and how wide a sector is."""


def layers(frame: Planes) -> Planes:
    """
    Args:
        frame: float32 (3, H, W), RGB, 0 to 1.
    Returns: (5, H, W), 0 to 1: colour, and the direction of the brush as (1 + cos 2a) / 2 and
        (1 + sin 2a) / 2 with the angle a, each nearer to a half where there is none.
    """
    flow = edge_flow(blur(frame, 1.2), 3.0)
    colour = sectors(sectors(frame, flow, 0.7), flow, 0.5)
    direction = blur(flow.double_angle, 2.0)
    return np.concatenate([along(colour, flow, 2.0), 0.5 + 0.5 * direction]).astype(np.float32)


def sectors(frame: Planes, flow: Flow, scale: float) -> Planes:
    """The mean of those surroundings that are most of one colour.

    Eight soft discs around each pixel, on an ellipse that lies along the edge; each counts by how
    little it varies. So nothing is averaged over an edge, and edges come out clean.
    Source: Kyprianidis, Kang, Döllner, "Image and Video Abstraction by Anisotropic Kuwahara
    Filtering"; discs in place of sectors, so that one blur serves them all.
    """
    sigma = scale * SECTOR_SIGMA
    stacked = np.concatenate([frame, (frame * frame).sum(0, keepdims=True)])
    known = blur(stacked, sigma)
    height, width = flow.x.shape
    y0, x0 = np.mgrid[0:height, 0:width].astype(np.float32)
    total, weights = np.zeros_like(frame), np.zeros((height, width), np.float32)
    longer = 1 + 0.8 * flow.strength
    for index in range(SECTORS):
        angle = math.tau * index / SECTORS
        ahead = scale * REACH * math.cos(angle) * longer
        aside = scale * REACH * math.sin(angle) / longer
        x = x0 + ahead * flow.x - aside * flow.y
        y = y0 + ahead * flow.y + aside * flow.x
        seen = sample(known, x, y)
        mean = seen[:3]
        variance = (seen[3] - (mean * mean).sum(0)).clip(0)
        weight = 1 / (np.float32(4e-4) + variance) ** 3
        total += weight * mean
        weights += weight
    return total / weights


@cache
def screen_maps() -> Planes:
    """(2 * DIRECTIONS, PERIOD, PERIOD): the lit relief of strokes, and then their tones."""
    drawn = [strokes(index) for index in range(DIRECTIONS)]
    return np.stack([d[0] for d in drawn] + [d[1] for d in drawn])


def strokes(index: int) -> tuple[Plane, Plane]:
    """How bright light from the upper left makes each place, and the tone of the paint there.

    Both have mean 0 and about the deviation 1. A stroke is some 36 pixels long and 10 wide.
    """
    random = np.random.default_rng(100 + index)
    angle = math.pi * index / DIRECTIONS
    y0, x0 = np.mgrid[0:PERIOD, 0:PERIOD].astype(np.float32)
    height, tone = np.zeros((PERIOD, PERIOD), np.float32), np.zeros((PERIOD, PERIOD), np.float32)
    bristles = noise(200 + index, 1.0, 1.6)
    for _ in range(240):
        centre_x, centre_y = random.uniform(0, PERIOD, 2)
        length, width = random.uniform(13, 24), random.uniform(3.6, 6.2)
        lean = angle + random.normal(0, 0.10)
        # Across the border the map goes on at its other side.
        x = (x0 - centre_x + PERIOD / 2) % PERIOD - PERIOD / 2
        y = (y0 - centre_y + PERIOD / 2) % PERIOD - PERIOD / 2
        u = (x * math.cos(lean) + y * math.sin(lean)) / length
        v = (y * math.cos(lean) - x * math.sin(lean)) / width
        inside = (1 - np.maximum(np.abs(u), 0) ** 4 - v**2).clip(0, 1)
        cover = (6 * inside).clip(0, 1)
        # Thick at the rims, thinner in the middle, and furrowed by each hair of the brush.
        row = (v * 12 + 64).astype(np.int32) % PERIOD
        furrows = bristles[row, int(centre_x)]
        profile = 0.55 + 0.45 * np.sqrt(inside) + 0.10 * furrows * inside - 0.15 * u
        height = height * (1 - cover) + cover * profile
        tone = tone * (1 - cover) + cover * (random.normal(0, 1) + 0.25 * furrows)
    round_the_border = np.pad(height, 2, "wrap")
    east = round_the_border[2:-2, 3:-1] - round_the_border[2:-2, 1:-3]
    south = round_the_border[3:-1, 2:-2] - round_the_border[1:-3, 2:-2]
    light = 0.55 * east + 0.83 * south
    return _normal(light), _normal(tone)


def _normal(plane: Plane) -> Plane:
    return ((plane - plane.mean()) / plane.std()).astype(np.float32)


_ANGLES = 2 * math.pi * np.arange(DIRECTIONS) / DIRECTIONS
TURNS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], 1).astype(np.float32)
"""Row k: cosine and sine of twice the angle of direction k."""
HAND = (-0.18, 0.22)
"""Where edges give no direction: the slant that a right hand paints with."""
SATURATION, CONTRAST = 1.38, 1.10


def compose(found: Any, screen: Any, easel: Easel) -> Any:
    """Paint on canvas.

    Args:
        found: (N, 5, H, W), `layers`; arrays of NumPy or PyTorch, or values of a graph.
        screen: (1, 2 * DIRECTIONS, H, W), `screen_maps` as they lie on the screen.
    Returns: (N, 3, H, W), RGB, 0 to 1.
    """
    colour = found[:, 0:3]
    across, up = found[:, 3:4] * 2 - (1 - HAND[0]), found[:, 4:5] * 2 - (1 - HAND[1])
    length = (across * across + up * up + 4e-3) ** 0.5
    heading = easel.join([across, up]) / length
    # Of two neighbours halfway each weighs so that together they deviate as one alone does.
    weights = (easel.mix(heading, TURNS) - 0.5).clip(0, 1)
    both = np.full((1, DIRECTIONS), 2.0, np.float32)
    relief = easel.mix(weights * screen[:, 0:DIRECTIONS], both)
    tone = easel.mix(weights * screen[:, DIRECTIONS : 2 * DIRECTIONS], both)
    grey = np.float32([[0.299, 0.587, 0.114]] * 3)
    rich = easel.mix(colour, SATURATION * np.eye(3, dtype=np.float32) + (1 - SATURATION) * grey)
    rich = ((rich - 0.5) * CONTRAST + 0.5).clip(0, 1)
    painted = rich * (1 + 0.085 * relief + 0.10 * tone) + 0.016 * (relief + tone)
    return painted.clip(0, 1)


OIL = Painting(
    "oil", layers, 5, screen_maps, compose, pictures=360, jitters=2,
    coloured=True, direction=3,
)  # fmt: skip
