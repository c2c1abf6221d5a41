"""The learner of `next-fluid` and `next-growth`: both at once, and what lies between them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..training.learner import Learner, follow, set_cosine_rate
from .graph import Shape
from .learner import STEEPEST
from .learning import unrolled_loss
from .lessons import POOL, Lessons
from .network import NextFrameNetwork
from .world import World

BOTH = "both"


class PairLearner(Learner):
    """Teaches two networks a simulation each, and the mean of their weights a third one.

    Two networks that were trained apart, be it from one start, are each fine, and their mean comes
    to rest. Here the mean is a network of its own, which is taught as they are; what it learns goes
    to both in equal parts.

    Args:
        first, second: what the two networks learn; they go by the names of their worlds.
        between: what the mean of their weights learns.
        rate: of learning, at the start.
        weights: from which both start.
        shape: of each network.
        pool: how many clips of each world are drawn from.
    """

    def __init__(
        self, first: World, second: World, between: World, seed: int, rate: float,
        weights: dict[str, Tensor] | None = None, *, shape: Shape | None = None, pool: int = POOL,
    ) -> None:  # fmt: skip
        super().__init__(seed)
        self.rate = rate
        shape = shape or Shape()
        network = NextFrameNetwork(shape.width, shape.levels)
        if weights is not None:
            network.load_state_dict(weights)
        network.to(memory_format=torch.channels_last)
        self.pair = [copy.deepcopy(network) for _ in range(2)]
        self.kept = [copy.deepcopy(network).eval().requires_grad_(False) for _ in range(2)]
        # Its weights are the means of what is kept, set anew before each use.
        self.mean = copy.deepcopy(self.kept[0])
        self.named = _Unbounded(network)
        names = (first.name, second.name)
        self.networks = dict(zip(names, self.pair, strict=True))
        self.averages = dict(zip(names, self.kept, strict=True))
        parameters = [p for one in self.pair for p in one.parameters()]
        self.optimizers = {BOTH: torch.optim.Adam(parameters, lr=rate, fused=True)}
        self.lessons = [
            Lessons([world], self.random, pool=pool) for world in (first, second, between)
        ]

    def step(self, progress: float) -> float:
        optimizer = self.optimizers[BOTH]
        set_cosine_rate(optimizer, self.rate, progress)
        optimizer.zero_grad(set_to_none=True)
        self._set_mean()
        makers = (*(one.unbounded for one in self.pair), self.between)
        total = 0.0
        for lessons, network, make in zip(
            self.lessons, (*self.kept, self.mean), makers, strict=True
        ):
            loss = unrolled_loss(make, *lessons.draw(self.taken, network, progress))
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()
        for network in self.pair:
            nn.utils.clip_grad_norm_(network.parameters(), STEEPEST)
        optimizer.step()
        for network, average in zip(self.pair, self.kept, strict=True):
            follow(average, network, self.taken)
        return total / len(self.lessons)

    def check(self) -> dict[str, float]:
        return {name: f for lessons in self.lessons for name, f in lessons.figures().items()}

    def preview(self, path: Path) -> None:
        for lessons in self.lessons:
            name = lessons.worlds[0].name
            lessons.write_picture(path.with_stem(f"{path.stem}-{name}"))

    def state(self) -> dict[str, Any]:
        return {**super().state(), "lessons": [lessons.state() for lessons in self.lessons]}

    def load_state(self, state: dict[str, Any]) -> None:
        super().load_state(state)
        for lessons, kept in zip(self.lessons, state["lessons"], strict=True):
            lessons.load_state(kept)

    def between(self, frame: Tensor) -> Tensor:
        """`NextFrameNetwork.unbounded` by the means of both networks' weights."""
        first, second = (dict(one.named_parameters()) for one in self.pair)
        means = {f"network.{name}": (p + second[name]) / 2 for name, p in first.items()}
        made: Tensor = functional_call(self.named, means, (frame,))
        return made

    @torch.no_grad()
    def _set_mean(self) -> None:
        first, second = (one.parameters() for one in self.kept)
        for mean, one, other in zip(self.mean.parameters(), first, second, strict=True):
            mean.copy_((one + other) / 2)


class _Unbounded(nn.Module):
    def __init__(self, network: NextFrameNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame: Tensor) -> Tensor:
        return self.network.unbounded(frame)
