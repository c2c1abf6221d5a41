"""The learner of `next-start`, taught by the simulation itself."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..training.learner import Learner, follow, set_cosine_rate
from .graph import Shape
from .learning import unrolled_loss
from .lessons import POOL, Lessons
from .network import NextFrameNetwork
from .world import World

RATE = 3e-3
STEEPEST = 1.0
"""Length that gradients are cut to."""
NETWORK = "network"


class SimulationLearner(Learner):
    """Teaches a network what one tick of a simulation does, wherever the network takes it.

    Args:
        worlds: what to learn.
        rate: of learning, at the start.
        alone: see `Lessons`.
        shape: of the network.
        pool: how many clips are drawn from.
    """

    def __init__(
        self, worlds: list[World], seed: int, rate: float = RATE, *, alone: float = 0.0,
        shape: Shape | None = None, pool: int = POOL,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        self.rate = rate
        shape = shape or Shape()
        self.network = NextFrameNetwork(shape.width, shape.levels)
        self.network.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval().requires_grad_(False)
        self.networks = {NETWORK: self.network}
        self.averages = {NETWORK: self.average}
        fused = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)
        self.optimizers = {NETWORK: fused}
        self.lessons = Lessons(worlds, self.random, alone=alone, pool=pool)

    def step(self, progress: float) -> float:
        clips, noise = self.lessons.draw(self.taken, self.average, progress)
        optimizer = self.optimizers[NETWORK]
        set_cosine_rate(optimizer, self.rate, progress)
        loss = unrolled_loss(self.network.unbounded, clips, noise)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), STEEPEST)
        optimizer.step()
        follow(self.average, self.network, self.taken)
        return loss.item()

    def check(self) -> dict[str, float]:
        return self.lessons.figures()

    def preview(self, path: Path) -> None:
        self.lessons.write_picture(path)

    def state(self) -> dict[str, Any]:
        return {**super().state(), **self.lessons.state()}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        self.lessons.load_state(state)
