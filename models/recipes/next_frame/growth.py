"""A pattern that grows, dies back where it has been, and grows again."""

from __future__ import annotations

import numpy as np

from .fluid import laplacian
from .world import Batch, World

STEPS = 10
"""Of the reaction, for each tick."""
FEED, KILL = 0.016, 0.045
FATIGUE = 0.006
"""By how much the soil that is used up raises KILL."""
WEAR, REST = 0.008, 0.001
SPORES, EDGE_SPORES = 0.0005, 0.003
"""What comes by itself in a step: inside too little to grow, at the border enough, so that an empty
box fills from its edges."""
FOOD_SPREAD, GROWTH_SPREAD, SOIL_SPREAD = 0.16, 0.08, 0.06
MOST = np.array([1.0, 0.6, 1.5], np.float32)


class Growth(World):
    """Gray and Scott's reaction of food and what feeds on it, on soil that tires and recovers.

    Source: Pearson, Complex Patterns in a Simple System, 1993; the tiring soil is ours, and keeps
    the pattern from coming to rest.
    """

    name = "growth"
    # Food, growth, tired soil: empty ground is night blue, what grows is pale yellow, what it
    # leaves behind red, and later violet.

    def __init__(self, height: int, width: int) -> None:
        super().__init__(height, width)
        spores = np.full((height, width), SPORES, np.float32)
        spores[[0, -1]] = spores[:, [0, -1]] = EDGE_SPORES
        self._spores = spores

    def bounded(self, state: Batch) -> Batch:
        return np.clip(state, 0, MOST[:, None, None], dtype=np.float32)

    def first_pictures(self, count: int, random: np.random.Generator) -> Batch:
        state = np.zeros((count, 3, self.height, self.width), np.float32)
        state[:, 0] = 1
        for one in state:
            for _ in range(max(2, self.height * self.width // 1300)):
                y, x = random.integers(2, self.height - 4), random.integers(2, self.width - 4)
                one[:2, y - 2 : y + 4, x - 2 : x + 4] = [[[0.4]], [[0.5]]]
            one[2] += random.random() * 0.4
        return self.pictures(state)

    def step(self, state: Batch) -> Batch:
        food, growth, soil = state[:, :1], state[:, 1:2], state[:, 2:]
        for _ in range(STEPS):
            eaten = food * growth * growth
            died = (FEED + KILL + FATIGUE * soil) * growth
            spread = laplacian(np.concatenate([food, growth, soil], axis=1))
            food = food + FOOD_SPREAD * spread[:, :1] - eaten + FEED * (1 - food)
            soil = soil + SOIL_SPREAD * spread[:, 2:] + WEAR * growth - REST * soil
            growth = growth + GROWTH_SPREAD * spread[:, 1:2] + eaten - died + self._spores
        return self.bounded(np.concatenate([food, growth, soil], axis=1))


def colours_of(shown: list[list[float]]) -> tuple[Batch, Batch]:
    """Ground (3,) and matrix (3, 3) from the RGB of four states: empty ground, that behind a front,
    tired soil, and what grows."""
    states = [[1, 0, 0], [0.8, 0, 0.75], [0.4, 0.05, 1.2], [0.25, 0.4, 0.9]]
    solved = np.linalg.solve(np.hstack([np.ones((4, 1)), states]), np.array(shown))
    return solved[0].astype(np.float32), solved[1:].T.astype(np.float32)


Growth.ground, Growth.colours = colours_of(
    [[0.05, 0.12, 0.19], [0.34, 0.13, 0.40], [0.72, 0.22, 0.34], [0.98, 0.88, 0.55]]
)
