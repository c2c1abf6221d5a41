"""Where the network's own play has got to: what it goes on learning from, beside the clip.

A network that only sees frames of the clip drifts, on its own results, to frames that it has never
seen. Here it learns from those what would have come next in the clip, and so finds its way back.
Source: the pool of Mordvintsev et al., Growing Neural Cellular Automata, 2020.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

SLOTS = 32
OWN_SHARE = 0.5
"""Of a batch, at the end of the run."""
ALONE = 0.35
"""Share of the run in which the network is spared its own results, of which a beginner's are noise.
"""
NOISE = 0.08
"""Most of the noise on a first frame, of 1."""
YOUNGEST, OLDEST = 4, 120
"""Ticks after which a play begins anew, at the start of the run and at its end: where a beginner
gets to after many is nothing to learn from."""


class Pool:
    """
    Args:
        frames: uint8 (N, H, W, 3), of the clip, on the device.
        starts: (M,), those that have one after them.
    """

    def __init__(self, frames: Tensor, starts: Tensor) -> None:
        self._clip, self._starts = frames, starts
        self._frames = torch.zeros((SLOTS, *frames.shape[1:]), dtype=torch.uint8).to(frames.device)
        self._index = torch.zeros(SLOTS, dtype=torch.int64)
        self._ticks = torch.full((SLOTS,), OLDEST + 1)

    def begin(
        self, count: int, progress: float, random: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Where a batch begins.

        Returns: slots (count,) to put its end back into; frames (count, 3, H, W) of 1; and which
            frame of the clip each stands for, (count,).
        """
        slots = torch.randperm(SLOTS, generator=random)[:count]
        skilled = max(0.0, min(1.0, progress) - ALONE) / (1 - ALONE)
        own = torch.rand(count, generator=random) < OWN_SHARE * min(1.0, 2 * skilled)
        longest = YOUNGEST + skilled * (OLDEST - YOUNGEST)
        fresh = ~own | (self._ticks[slots] > longest)
        picked = torch.randint(len(self._starts), (count,), generator=random)
        index = torch.where(fresh, self._starts[picked], self._index[slots])
        frame = as_float(self._clip[index.to(self._clip.device)])
        strength = NOISE * torch.rand((count, 1, 1, 1), generator=random)
        noise = strength * torch.randn(frame.shape, generator=random)
        frame = (frame + noise.to(frame.device)).clamp(0, 1)
        here = fresh.to(frame.device).reshape(-1, 1, 1, 1)
        mine = as_float(self._frames[slots.to(frame.device)])
        self._ticks[slots[fresh]] = 0
        return slots, torch.where(here, frame, mine), index

    def put_back(self, slots: Tensor, frames: Tensor, index: Tensor, ticks: int) -> None:
        """Where the batch has got to, `ticks` later."""
        stored = (255 * frames).round().to(torch.uint8).permute(0, 2, 3, 1)
        self._frames[slots.to(frames.device)] = stored
        self._index[slots] = index
        self._ticks[slots] += ticks

    def state(self) -> dict[str, Any]:
        return {"frames": self._frames.cpu(), "index": self._index, "ticks": self._ticks}

    def load_state(self, state: dict[str, Any]) -> None:
        self._frames.copy_(state["frames"])
        self._index.copy_(state["index"])
        self._ticks.copy_(state["ticks"])


def as_float(frames: Tensor) -> Tensor:
    """uint8 (N, H, W, 3) as float (N, 3, H, W) of 1, channels last."""
    return frames.permute(0, 3, 1, 2).float().div_(255)
