"""The walk of a latent code: what a generator is given at each tick."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.inference.manifest import LatentInput

TICKS_PER_KEY = 120
"""From one keyframe to the next: two seconds at 60 ticks a second."""


class LatentWalk:
    """A smooth way through seeded keyframes: slerp where they are normal, a line where uniform.

    Attributes:
        value: float32 (1, length), written in place, so that its address stays.
    """

    def __init__(self, port: LatentInput, index: int) -> None:
        """
        Args:
            index: of this port among the package's latent inputs: each walks its own way.
        """
        self._port = port
        self._index = index
        self._keys: dict[tuple[int, int], npt.NDArray[np.float64]] = {}
        self.value: npt.NDArray[Any] = np.zeros((1, port.length), np.float32)

    def go_to(self, seed: int, tick: int) -> None:
        """Set `value`; it depends on the port, the seed and the tick, and on nothing else.

        Args:
            seed: from 0 to 2**64 - 1.
        """
        key, part = divmod(tick, TICKS_PER_KEY)
        places = [(seed, key), (seed, key + 1)]
        self._keys = {place: self._key(place) for place in places}
        start, end = (self._keys[place] for place in places)
        share = part / TICKS_PER_KEY
        if self._port.distribution == "normal":
            self.value[0] = _slerp(start, end, share)
        else:
            self.value[0] = (1 - share) * start + share * end

    def _key(self, place: tuple[int, int]) -> npt.NDArray[np.float64]:
        if place in self._keys:
            return self._keys[place]
        random = np.random.Generator(np.random.PCG64([place[0], self._index, place[1]]))
        if self._port.distribution == "normal":
            return random.standard_normal(self._port.length)
        return random.random(self._port.length)


def _slerp(
    start: npt.NDArray[np.float64], end: npt.NDArray[np.float64], share: float
) -> npt.NDArray[np.float64]:
    """On the great circle from `start` to `end`: the length stays that of a normal sample, which a
    straight line would lose in the middle."""
    lengths = float(np.linalg.norm(start)) * float(np.linalg.norm(end))
    cosine = float(start @ end) / lengths if lengths else 1.0
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if math.sin(angle) < 1e-6:  # the same direction or the opposite: no circle, or too many
        return (1 - share) * start + share * end
    weights = math.sin((1 - share) * angle), math.sin(share * angle)
    return (weights[0] * start + weights[1] * end) / math.sin(angle)
