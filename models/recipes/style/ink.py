"""Ink: a brush line along every edge, hatching in the shade, a wash of indigo and one of vermilion.

The layers are found from the frame alone and move with it. Paper and hatching lie on the screen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .flow import across, along, edge_flow
from .painting import Easel, Painting
from .planes import Planes, blur, luma, smooth_step
from .screen import hatching, noise

LINE_SIGMA = 1.0
"""Pixels: half the width of the finest brush line."""
SHARPNESS = 1.6
"""How much wider the surround is that a line is darker than."""


def layers(frame: Planes) -> Planes:
    """
    Args:
        frame: float32 (3, H, W), RGB, 0 to 1.
    Returns: (4, H, W), 0 to 1: where black lines are, how dark it is for hatching, how much
        indigo and how much vermilion is washed on.
    Source: Winnemöller, Kyprianidis, Olsen, "XDoG: An eXtended difference-of-Gaussians compendium".
    """
    soft = blur(frame, 0.7)
    grey = luma(soft)
    flow = edge_flow(blur(frame, 1.0), 2.2)
    # The eye sees ratios: without the root there would be no lines in the dark.
    tone = np.sqrt(grey + np.float32(0.02))
    difference = across(tone, flow, SHARPNESS * LINE_SIGMA) - across(tone, flow, LINE_SIGMA)
    line = smooth_step(along(difference, flow, 3.5), 0.005, 0.019)

    calm = along(blur(frame, 1.2), flow, 4.0)
    dark = 1 - luma(calm)
    shade = dark.clip(0, 1)
    wash = 0.45 * smooth_step(dark, 0.34, 0.44) + 0.55 * smooth_step(dark, 0.62, 0.72)
    # Pigment gathers where a wash ends.
    wash = (wash + 0.9 * (wash - blur(wash, 2.5)).clip(0, 1)).clip(0, 1)
    red, green, blue = calm
    warmth = (red - 0.62 * green - 0.38 * blue) / (red + np.float32(0.12))
    spot = smooth_step(warmth, 0.10, 0.42)
    return np.stack([line, shade, wash, spot]).astype(np.float32)


PAPER = (0.955, 0.925, 0.860)
INDIGO = (0.560, 0.640, 0.745)
VERMILION = (0.870, 0.345, 0.225)
BLACK = (0.085, 0.080, 0.115)


def screen_maps() -> Planes:
    """(3, PERIOD, PERIOD): paper, hatching, and hatching across it."""
    grain = 0.6 * noise(1, 0.8) + 0.6 * noise(2, 2.5, 1.5)
    return np.stack([0.012 * grain, hatching(15, 11, 3), hatching(-11, 15, 5)])


def compose(found: Any, screen: Any, easel: Easel) -> Any:
    """Ink on paper.

    Args:
        found: (N, 4, H, W), `layers`; arrays of NumPy or PyTorch, or values of a graph.
        screen: (1, 3, H, W), `screen_maps` as they lie on the screen.
    Returns: (N, 3, H, W), RGB, 0 to 1.
    """
    line, shade = found[:, 0:1], found[:, 1:2]
    wash, spot = found[:, 2:3], found[:, 3:4]
    grain, first, second = screen[:, 0:1], screen[:, 1:2], screen[:, 2:3]
    # A darker shade draws thicker hatching lines; the second set begins later.
    hatched = (shade * 7.0 - 3.9 - first * 2.6).clip(0, 1) * 0.92
    crossed = (shade * 7.0 - 4.8 - second * 2.6).clip(0, 1) * 0.92
    light = (1 - line) * (1 - hatched) * (1 - crossed)
    pigment = 1 + grain * 4
    wet, hot = wash * pigment, spot * pigment
    channels = []
    paper = grain + 1
    for white, blue, red, black in zip(PAPER, INDIGO, VERMILION, BLACK, strict=True):
        tinted = paper * white * (1 - wet * (1 - blue)) * (1 - hot * (1 - red))
        channels.append(tinted * light + (1 - light) * black)
    return easel.join(channels)


INK = Painting("ink", layers, 4, screen_maps, compose)
