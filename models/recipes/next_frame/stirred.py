"""A growth that stirs itself: what lies between the fluid and the growth."""

from __future__ import annotations

import numpy as np

from .fluid import fetched
from .growth import Growth, colours_of
from .world import Batch

STIRRING = 10.0
"""Pixels a tick for each unit of the tired soil's slope."""


class Stirred(Growth):
    """The growth, carried each tick along the contours of the soil that it has tired.

    The mean of what the fluid and the growth make of a picture is no life: that comes to rest
    within a hundred ticks, since each takes back half of what the other does. This reacts like the
    one and flows like the other, its stream function is what it has grown, and its colours lie
    between theirs.
    """

    name = "stirred"

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        self._y, self._x = np.mgrid[0:height, 0:width].astype(np.float32)

    def step(self, state: Batch) -> Batch:
        stream = np.pad(STIRRING * state[:, 2], ((0, 0), (1, 1), (1, 1)))
        right = (stream[:, :-2, 1:-1] - stream[:, 2:, 1:-1]) / 2
        down = (stream[:, 1:-1, 2:] - stream[:, 1:-1, :-2]) / 2
        moved = [
            fetched(one, self._y - dy, self._x - dx)
            for one, dy, dx in zip(state, down, right, strict=True)
        ]
        return super().step(self.bounded(np.stack(moved)))


Stirred.ground, Stirred.colours = colours_of(
    [[0.10, 0.24, 0.36], [0.36, 0.20, 0.38], [0.74, 0.34, 0.26], [0.95, 0.88, 0.72]]
)
