"""Pairs of drawing and photograph, as what can be bent: how near each pixel is to a line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from converters.scores.lines import Rgb8, inside

SIDE = 256
REACH = 6
"""Pixels: distances are known up to this."""
_DARK = 128


@dataclass(frozen=True, slots=True)
class Pairs:
    """All is zero where there is nothing, so that what is bent into sight is blank paper.

    Attributes:
        ink: (N, 3, H, W), one minus the photograph of 1.
        near: (N, 1, H, W), REACH less the distance to the nearest line in pixels, at least 0.
        depth: (N, 1, H, W), the distance to the outside of the outline in pixels, at most REACH.
    """

    ink: Tensor
    near: Tensor
    depth: Tensor

    def __len__(self) -> int:
        return len(self.ink)


def pairs_of(pictures: Sequence[tuple[Rgb8, Rgb8]]) -> Pairs:
    """
    Args:
        pictures: drawing and photograph, uint8 (H, W, 3).
    """
    drawings = [drawing for drawing, _ in pictures]
    photographs = torch.from_numpy(np.stack([photograph for _, photograph in pictures]))
    lines = torch.from_numpy(np.stack([d.mean(axis=2) < _DARK for d in drawings]))
    outside = torch.from_numpy(np.stack([~inside(d) for d in drawings]))
    return Pairs(
        1 - photographs.permute(0, 3, 1, 2).float() / 255,
        REACH - _distance(lines),
        _distance(outside),
    )


def drawings_of(pictures: Sequence[tuple[Rgb8, Rgb8]]) -> Tensor:
    """(N, 3, H, W), -1 to 1: as a network is given them."""
    drawings = torch.from_numpy(np.stack([drawing for drawing, _ in pictures]))
    return drawings.permute(0, 3, 1, 2).float() / 127.5 - 1


def _distance(mask: Tensor) -> Tensor:
    """(N, 1, H, W): to the nearest pixel of the mask (N, H, W), at most REACH."""
    padded = torch.nn.functional.pad(mask, [REACH] * 4)
    height, width = mask.shape[1:]
    found = torch.full(mask.shape, float(REACH))
    steps = range(-REACH, REACH + 1)
    for dy in steps:
        for dx in steps:
            length = math.hypot(dy, dx)
            if length < REACH:
                top, left = REACH + dy, REACH + dx
                there = padded[:, top : top + height, left : left + width]
                found = torch.where(there, found.clamp(max=length), found)
    return found[:, None]


def names_of(files: Sequence[Path]) -> str:
    """For a manifest."""
    return ", ".join(file.stem for file in files)
