"""How a next-frame network is taught to live on its own results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .starts import KINDS, first_frame
from .world import Batch, World

NOISE = 0.02
"""Most of the noise that is laid over the first frame of a clip, of 1."""
EVEN = 1 / 255
"""Added to what changes in a clip, so that one in which nothing does may have a loss."""
OLDEST = 600
"""Ticks after which a loop is started anew at the latest."""


def unrolled_loss(
    unbounded: Callable[[Tensor], Tensor], clips: Tensor, noise: Tensor | None = None
) -> Tensor:
    """Error of the frames that the network makes one after another, as a share of what changes.

    Each clip counts by how much changes in it: otherwise those in which noise dies away would drown
    the slow ones. A network that stands still has a loss a little below 1.

    Args:
        unbounded: `NextFrameNetwork.unbounded`.
        clips: (N, 1 + ticks, 3, H, W), 0 to 1; the first frame is what it starts from, and each
            further one it makes of its own result before.
        noise: (N, 3, H, W), added to the first frame.
    """
    frame = clips[:, 0] if noise is None else clips[:, 0] + noise
    total = torch.zeros(())
    for tick in range(1, clips.shape[1]):
        made = unbounded(frame)
        error = (made - clips[:, tick]).abs().mean((1, 2, 3))
        changed = (clips[:, tick] - clips[:, 0]).abs().mean((1, 2, 3))
        total = total + (error / (changed + EVEN)).mean()
        frame = made.clamp(0, 1)
    return total / (clips.shape[1] - 1)


def small_noise(frames: Tensor, random: torch.Generator) -> Tensor:
    """Noise for frames (N, 3, H, W): each of another strength, up to NOISE."""
    strength = NOISE * torch.rand((len(frames), 1, 1, 1), generator=random)
    return strength * torch.randn(frames.shape, generator=random)


@dataclass(slots=True)
class Loops:
    """Feedback loops that go on beside the training, started from frames of all kinds.

    Attributes:
        frames: (N, 3, H, W), where each stands.
        ages: ticks since each was started.
        ends: ages at which each is started anew.
        contrast, change: of the last tick of each, of 255; see `alive`.
    """

    world: World
    frames: Batch
    ages: list[int]
    ends: list[int]
    contrast: Batch
    change: Batch

    @classmethod
    def start(
        cls, world: World, count: int, random: np.random.Generator, oldest: int = OLDEST
    ) -> Loops:
        frames = np.zeros((count, 3, world.height, world.width), np.float32)
        empty = np.zeros(count, np.float32)
        loops = cls(world, frames, [0] * count, [0] * count, empty, empty.copy())
        loops.renew(random, oldest)
        # Not all of one age.
        loops.ends = [int(random.integers(1, oldest)) for _ in range(count)]
        return loops

    def renew(
        self, random: np.random.Generator, oldest: int = OLDEST, others: Loops | None = None
    ) -> None:
        """Start those anew that have reached their end.

        Args:
            oldest: ticks that they are to live at most.
            others: of the same world; half of the new ones begin where one of those stands.
        """
        for index, (age, end) in enumerate(zip(self.ages, self.ends, strict=True)):
            if age < end:
                continue
            if others is not None and random.random() < 0.5:
                self.frames[index] = others.frames[int(random.integers(len(others.frames)))]
            else:
                kind = KINDS[int(random.integers(len(KINDS)))]
                self.frames[index] = first_frame(kind, self.world, random)
            self.ages[index], self.ends[index] = 0, int(random.integers(oldest // 8, oldest)) + 1

    def go(self, ticks: int, network: nn.Module | None) -> None:
        """So many ticks of the network, or of the world itself if there is none."""
        if network is None:
            made = self.world.clips(self.frames, ticks)
            self._stand(made[:, -2] if ticks > 1 else self.frames, made[:, -1])
        else:
            frame = torch.from_numpy(self.frames).to(memory_format=torch.channels_last)
            with torch.no_grad():
                for _ in range(ticks):
                    before, frame = frame, network(frame)
            self._stand(before.numpy(), frame.contiguous().numpy())
        self.ages = [age + ticks for age in self.ages]

    def alive(self, older_than: int = 100) -> tuple[float, float]:
        """Mean contrast and change per tick of those that are not young, of 255; 0 if all are."""
        old = [age > older_than for age in self.ages]
        if not any(old):
            return 0.0, 0.0
        return float(self.contrast[old].mean()), float(self.change[old].mean())

    def _stand(self, before: Batch, now: Batch) -> None:
        self.contrast = 255 * now.std(axis=(2, 3)).mean(axis=1)
        self.change = 255 * np.abs(now - before).mean(axis=(1, 2, 3))
        self.frames = np.array(now, np.float32)

    def state(self) -> dict[str, Any]:
        return {
            "frames": torch.from_numpy(self.frames.copy()), "ages": self.ages, "ends": self.ends,
            "contrast": self.contrast.tolist(), "change": self.change.tolist(),
        }  # fmt: skip

    def load_state(self, state: dict[str, Any]) -> None:
        self.frames = state["frames"].numpy().copy()
        self.ages, self.ends = list(state["ages"]), list(state["ends"])
        self.contrast = np.array(state["contrast"], np.float32)
        self.change = np.array(state["change"], np.float32)
