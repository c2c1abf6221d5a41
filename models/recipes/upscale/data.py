"""Pictures to pairs of low and high resolution, and random patches of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from converters import luma_psnr
from converters.luma_psnr import FloatPicture, Pair, Rgb8, find_pictures, luma
from models.recipes.upscale.network import SCALE, UpscaleNetwork

__all__ = [
    "Pair",
    "Patches",
    "Rgb8",
    "Sample",
    "find_pictures",
    "make_sample",
    "read_pair",
    "split",
]

HELD_OUT_EVERY = 20
"""Every twentieth training picture is kept back to watch the training with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the network learns from: float32 luma without offset, of 1.

    Attributes:
        low: (1, H, W), the input.
        missing: (1, 2H, 2W), the original minus the bicubic of `low`.
    """

    low: Tensor
    missing: Tensor


def read_pair(path: Path) -> Pair:
    """Crop to a multiple of the scale and reduce in 8-bit RGB, as DCSCN does."""
    return luma_psnr.read_pair(path, SCALE)


def make_sample(pair: Pair) -> Sample:
    """The luma of both, and what bicubic misses, worked out once for the whole picture."""
    low, high = (_luma_tensor(p) for p in (pair.low, pair.high))
    with torch.no_grad():
        enlarged = UpscaleNetwork().enlarged(low[None])[0]
    return Sample(low, high - enlarged)


def split(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Pictures to train on, and pictures to watch the training with."""
    held_out = paths[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    return [p for p in paths if p not in held_out], held_out


class Patches:
    """Random patches, flipped and turned; pictures are drawn in proportion to their area.

    Args:
        samples: what to draw from; those smaller than a patch are left out.
        side: of a patch, in pixels of the low resolution.
        seed: the same seed gives the same patches.
    Raises: ValueError: no sample is as large as a patch.
    """

    def __init__(self, samples: list[Sample], side: int, seed: int) -> None:
        self.side = side
        self.samples = [s for s in samples if min(s.low.shape[1:]) >= side]
        if not self.samples:
            raise ValueError(f"no picture is {side * SCALE} pixels wide and high, or more")
        self.areas = torch.tensor([float(s.low.numel()) for s in self.samples])
        self.random = torch.Generator().manual_seed(seed)

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Input (count, 1, side, side) and target (count, 1, 2 side, 2 side)."""
        chosen = torch.multinomial(self.areas, count, True, generator=self.random).tolist()
        places = torch.rand((count, 2), generator=self.random).tolist()
        turns = torch.randint(0, 8, (count,), generator=self.random).tolist()
        pairs = [
            self._patch(self.samples[index], place, turn)
            for index, place, turn in zip(chosen, places, turns, strict=True)
        ]
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _patch(self, sample: Sample, place: list[float], turn: int) -> tuple[Tensor, Tensor]:
        height, width = sample.low.shape[1:]
        y, x = int(place[0] * (height - self.side + 1)), int(place[1] * (width - self.side + 1))
        low = _cut(sample.low, y, x, self.side)
        high = _cut(sample.missing, y * SCALE, x * SCALE, self.side * SCALE)
        return _turned(low, turn), _turned(high, turn)


def _cut(plane: Tensor, y: int, x: int, side: int) -> Tensor:
    return plane[:, y : y + side, x : x + side]


def _turned(plane: Tensor, turn: int) -> Tensor:
    """One of the eight flips and quarter turns."""
    plane = plane.rot90(turn % 4, (1, 2))
    return plane.flip(2) if turn >= 4 else plane


def _luma_tensor(rgb: Rgb8) -> Tensor:
    of_one: FloatPicture = luma(rgb) / np.float32(255)
    return torch.from_numpy(of_one)[None]
