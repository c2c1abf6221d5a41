"""What a recipe gives to the training loop."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch
from torch import nn

EMA_DECAY = 0.999


class Learner(ABC):
    """Networks, how one step teaches them, and how well they do on what they never learn from.

    Attributes:
        networks: by name; what a step changes.
        averages: by the name of their network; moving averages of its weights, which is what is
            shipped.
        optimizers: by name.
        taken: steps so far.
        random: the only source of chance in a step, so that a run can be repeated and resumed.
    """

    def __init__(self, seed: int) -> None:
        torch.manual_seed(seed)
        self.networks: dict[str, nn.Module] = {}
        self.averages: dict[str, nn.Module] = {}
        self.optimizers: dict[str, torch.optim.Optimizer] = {}
        self.taken = 0
        self.random = torch.Generator().manual_seed(seed)

    @abstractmethod
    def step(self, progress: float) -> float:
        """One batch.

        Args:
            progress: 0 at the first step of the run, 1 after the last.
        Returns: the loss, in the unit that the loss curve is to show.
        """

    @abstractmethod
    def check(self) -> dict[str, float]:
        """Figures on what is held back, best first; their names say the unit: `gain_db`."""

    def preview(self, path: Path) -> None:  # noqa: B027 (a recipe without pictures need not write one)
        """Write a PNG that shows a person how far it is."""

    def state(self) -> dict[str, Any]:
        return {
            "networks": {name: n.state_dict() for name, n in self.networks.items()},
            "averages": {name: n.state_dict() for name, n in self.averages.items()},
            "optimizers": {name: o.state_dict() for name, o in self.optimizers.items()},
            "taken": self.taken,
            "random": self.random.get_state(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        for kind in ("networks", "averages", "optimizers"):
            for name, part in getattr(self, kind).items():
                part.load_state_dict(state[kind][name])
        self.taken = state["taken"]
        self.random.set_state(state["random"])


def follow(average: nn.Module, network: nn.Module, taken: int, decay: float = EMA_DECAY) -> None:
    """Move the average of the weights towards those of the network.

    Args:
        taken: steps so far; the first ones count more, so that the average does not
            remember the weights that training started from.
    """
    share = 1 - min(decay, (taken + 1) / (taken + 11))
    with torch.no_grad():
        pairs = zip(average.parameters(), network.parameters(), strict=True)
        for mean, weight in pairs:
            mean.lerp_(weight, share)
        buffers = zip(average.buffers(), network.buffers(), strict=True)
        for mean, value in buffers:
            mean.copy_(value)


def set_cosine_rate(optimizer: torch.optim.Optimizer, rate: float, progress: float) -> None:
    """From `rate` at the start to zero at the end of the run."""
    for group in optimizer.param_groups:
        group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
