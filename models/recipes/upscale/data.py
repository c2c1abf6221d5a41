"""Pictures to pairs of low and high resolution, and random patches of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from converters.luma_psnr import FloatPicture, Rgb8, find_pictures, luma

from .network import bicubic_kernel, enlarged

HELD_OUT_EVERY = 20
"""Every twentieth training picture is kept back to watch the training with."""
SIZES = (1.0, 0.8, 0.6)
"""Training pictures are learned from at these parts of their size too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the network learns from: float32 luma without offset, of 1.

    Attributes:
        low: (1, H, W), the input.
        missing: (1, scale H, scale W), the original minus the bicubic of `low`.
    """

    low: Tensor
    missing: Tensor


def samples_of(folder: Path, scale: int) -> tuple[list[Sample], list[Sample]]:
    """Pictures to train on, at all of `SIZES`, and pictures to watch the training with.

    Raises: FileNotFoundError: there are too few in `folder`.
    """
    paths = find_pictures(folder)
    held_out = paths[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    if not held_out:
        raise FileNotFoundError(
            f"{folder}: {len(paths)} pictures, fewer than the {HELD_OUT_EVERY} that training "
            "needs; name a folder with train-images in it by --data"
        )
    training = [
        sample for path in paths if path not in held_out for sample in _of(path, scale, SIZES)
    ]
    watching = [sample for path in held_out for sample in _of(path, scale, (1.0,))]
    return training, watching


def _of(path: Path, scale: int, sizes: tuple[float, ...]) -> Iterator[Sample]:
    with Image.open(path) as file:
        picture = file.convert("RGB")
    for part in sizes:
        sides = [round(part * side) for side in picture.size]
        smaller = picture if part == 1 else picture.resize(sides, Image.Resampling.BICUBIC)
        yield make_sample(np.asarray(smaller), scale)


def make_sample(rgb8: Rgb8, scale: int) -> Sample:
    """The luma of a picture reduced, and what bicubic misses of it.

    Args:
        rgb8: uint8 (H, W, 3); cropped to a multiple of the scale, and reduced in 8-bit RGB, as
            DCSCN does.
    """
    height, width = (side - side % scale for side in rgb8.shape[:2])
    high = rgb8[:height, :width]
    reduced = Image.fromarray(high).resize(
        (width // scale, height // scale), Image.Resampling.BICUBIC
    )
    low, whole = (_luma_tensor(np.asarray(p)) for p in (reduced, high))
    bicubic = enlarged(low[None], torch.from_numpy(bicubic_kernel(scale)))[0]
    return Sample(low, whole - bicubic)


class Patches:
    """Random patches, flipped and turned; pictures are drawn in proportion to their area.

    Args:
        samples: what to draw from; those smaller than a patch are left out.
        side: of a patch, in pixels of the low resolution.
    Raises: ValueError: no sample is as large as a patch.
    """

    def __init__(self, samples: list[Sample], side: int) -> None:
        self.side = side
        self.samples = [s for s in samples if min(s.low.shape[1:]) >= side]
        if not self.samples:
            raise ValueError(f"no picture, reduced, is {side} pixels wide and high, or more")
        self.areas = torch.tensor([float(s.low.numel()) for s in self.samples])

    def draw(self, count: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Input (count, 1, side, side) and target (count, 1, scale side, scale side)."""
        chosen = torch.multinomial(self.areas, count, True, generator=random).tolist()
        places = torch.rand((count, 2), generator=random).tolist()
        turns = torch.randint(0, 8, (count,), generator=random).tolist()
        pairs = [
            self._patch(self.samples[index], place, turn)
            for index, place, turn in zip(chosen, places, turns, strict=True)
        ]
        return torch.stack([low for low, _ in pairs]), torch.stack([high for _, high in pairs])

    def _patch(self, sample: Sample, place: list[float], turn: int) -> tuple[Tensor, Tensor]:
        height, width = sample.low.shape[1:]
        scale = sample.missing.shape[1] // height
        y, x = int(place[0] * (height - self.side + 1)), int(place[1] * (width - self.side + 1))
        low = _cut(sample.low, y, x, self.side)
        high = _cut(sample.missing, y * scale, x * scale, self.side * scale)
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
