"""A white sheet that one draws on with a pen and an eraser."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from bridge.frames import Pixels

PEN, ERASER = 2.4 / 256, 16 / 256
"""Of the sheet's shorter side: a felt-tip pen, such as line networks are trained to read."""
_WHITE, _BLACK = 255, 0
_FINE = 4
"""Drawn that many times larger and reduced, so that strokes are smooth."""

Point = tuple[float, float]
"""From (0, 0) at the top left to (1, 1)."""


class Sheet:
    """Dark strokes on white; uint8 (height, width, 4) by `pixels`."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._paper = Image.new("L", (width * _FINE, height * _FINE), _WHITE)
        self._draw = ImageDraw.Draw(self._paper)
        self._seen: Pixels | None = None

    def stroke(self, points: Sequence[Point]) -> None:
        """A line of the pen through all points; through a single one, a dot."""
        self._line(points, PEN, _BLACK)

    def erase(self, points: Sequence[Point]) -> None:
        """As `stroke`, with the eraser."""
        self._line(points, ERASER, _WHITE)

    def clear(self) -> None:
        self._paper.paste(_WHITE, (0, 0, *self._paper.size))
        self._seen = None

    def pixels(self) -> Pixels:
        """The sheet as a frame: uint8 (height, width, 4), RGBA, alpha 255; not to be changed."""
        if self._seen is None:
            grey = np.asarray(self._paper.reduce(_FINE))
            rgba = np.empty((self.height, self.width, 4), np.uint8)
            rgba[..., :3] = grey[..., None]
            rgba[..., 3] = 255
            self._seen = rgba
        return self._seen

    def _line(self, points: Sequence[Point], wide: float, shade: int) -> None:
        if not points:
            return
        wide_px = max(_FINE, round(wide * min(self._paper.size)))
        places = [(x * self._paper.width, y * self._paper.height) for x, y in points]
        if len(places) > 1:
            self._draw.line(places, shade, wide_px, "curve")
        radius = wide_px / 2
        for x, y in (places[0], places[-1]):
            self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), shade)
        self._seen = None
