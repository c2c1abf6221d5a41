"""Each pair as another shoe, drawn by another hand.

The shape is bent, drawing and photograph alike; the drawing gets other lines; the photograph gets
another colour. A part of the pairs only moves, and another is bent but keeps the thin and complete
lines that a detector of edges draws. Now and then a sheet is empty, as it is before somebody draws.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from .pairs import REACH, Pairs

MIRRORED = 0.2
"""The share of pairs that face the other way."""
THIN_REACH = 0.62
"""Pixels from the middle of a line: a bent line one pixel wide, without gaps."""
EMPTY = 0.02
"""The share of sheets with nothing on them."""
LUMA = (0.299, 0.587, 0.114)


@dataclass(frozen=True, slots=True)
class Change:
    """How much is varied.

    Attributes:
        plain: the share of pairs whose shape and lines stay as they are.
        thin: the share of the others whose lines are as a detector of edges draws them.
        brightness: a photograph is taken to a power of up to e to this, or down to its inverse.
    """

    plain: float
    thin: float
    brightness: float


@dataclass(slots=True)
class Variation:
    """Makes batches; all chance comes from `random`."""

    pairs: Pairs
    random: torch.Generator

    def batch(self, size: int, change: Change) -> tuple[Tensor, Tensor]:
        """Drawings and photographs, (N, 3, H, W) each, -1 to 1."""
        chosen = torch.randint(len(self.pairs), (size,), generator=self.random)
        parts = self.pairs.ink, self.pairs.near, self.pairs.depth
        sheets = torch.cat([part[chosen] for part in parts], 1)
        sheets = sheets * ~self._chance(size, EMPTY)
        plain = self._chance(size, change.plain)
        grid = self._grid(size, sheets.shape[2], plain)
        sheets = functional.grid_sample(sheets, grid, align_corners=False)
        ink, near, depth = sheets.split([3, 1, 1], 1)
        drawn = self._lines(near, depth)
        thin = (near > REACH - THIN_REACH).float()
        drawn = torch.where(self._chance(size, change.thin), thin, drawn)
        covered = torch.where(plain, (near - (REACH - 1)).clamp(0, 1), drawn)
        return (1 - 2 * covered).expand(-1, 3, -1, -1), 1 - 2 * self._colours(
            ink, change.brightness
        )

    def _uniform(self, size: int, low: float, high: float) -> Tensor:
        """(N, 1, 1, 1)"""
        return low + (high - low) * torch.rand(size, 1, 1, 1, generator=self.random)

    def _chance(self, size: int, share: float) -> Tensor:
        """(N, 1, 1, 1), true for that share."""
        return self._uniform(size, 0, 1) < share

    def _smooth(self, size: int, channels: int, cells: int, side: int) -> Tensor:
        """(N, C, side, side): noise of mean 0 and deviation near 1 that has `cells` a side."""
        noise = torch.randn(size, channels, cells, cells, generator=self.random)
        across = _cubic(cells, side)
        return across @ noise @ across.T

    def _grid(self, size: int, side: int, plain: Tensor) -> Tensor:
        """(N, H, W, 2): where each pixel is taken from, the sheet being -1 to 1."""
        pixel = 2 / side
        free = ~plain.view(-1)
        scale, aspect, turn, shear = (
            self._uniform(size, -1, 1).view(-1) * most for most in (0.22, 0.13, 0.16, 0.12)
        )
        scale = 1.12 + scale
        wide, high = scale * torch.exp(aspect), scale * torch.exp(-aspect)
        cos, sin = torch.cos(turn), torch.sin(turn)
        rows = torch.stack([cos * wide, shear - sin * high, sin * wide, cos * high], 1)
        rows = torch.where(free[:, None, None], rows.view(-1, 2, 2), torch.eye(2))
        mirrored = torch.where(self._chance(size, MIRRORED), -1.0, 1.0).view(-1)
        rows = rows * torch.stack([mirrored, torch.ones(size)], 1)[:, :, None]
        # By whole pixels, so that plain lines stay sharp; what is made smaller has room to move.
        step = self._uniform(size, -8, 8), self._uniform(size, -8, 8)
        shift = torch.stack([part.round().view(-1) for part in step], 1) * pixel
        room = 0.7 * (scale - 0.9).clamp(min=0) * free
        shift = shift + room[:, None] * (2 * torch.rand(size, 2, generator=self.random) - 1)
        theta = torch.cat([rows, shift[:, :, None]], 2)
        grid = functional.affine_grid(theta, [size, 1, side, side], align_corners=False)
        bend = self._smooth(size, 2, 5, side) * self._uniform(size, 0, 4)
        bend = bend + self._smooth(size, 2, 20, side) * self._uniform(size, 0, 0.9)
        return grid + (pixel * bend * ~plain).permute(0, 2, 3, 1)

    def _lines(self, near: Tensor, depth: Tensor) -> Tensor:
        """(N, 1, H, W): how much of each pixel is covered by a line of another hand."""
        size, side = len(near), near.shape[2]
        width = torch.where(self._chance(size, 0.2), 1.0, self._uniform(size, 1, 4))
        width = width + self._smooth(size, 1, 12, side) * self._uniform(size, 0, 0.5)
        covered = (width.clamp(min=0.9) / 2 + 0.5 - self._doubled(near)).clamp(0, 1)
        hard = self._chance(size, 0.5)
        covered = torch.where(hard, (covered > 0.4).float(), covered)
        grey = torch.where(self._chance(size, 0.3), self._uniform(size, 0.6, 1), 1.0)
        return covered * grey * self._kept(depth)

    def _doubled(self, near: Tensor) -> Tensor:
        """The distance to lines; in some drawings each stroke is there twice, side by side."""
        size, side = len(near), near.shape[2]
        twice = self._chance(size, 0.12)
        if twice.any():
            same = torch.eye(2, 3).expand(size, 2, 3)
            grid = functional.affine_grid(same, [size, 1, side, side], align_corners=False)
            apart = self._smooth(size, 2, 7, side) * (2.2 * 2 / side)
            second = functional.grid_sample(
                near, grid + apart.permute(0, 2, 3, 1), align_corners=False
            )
            near = torch.where(twice, torch.maximum(near, second), near)
        return REACH - near

    def _kept(self, depth: Tensor) -> Tensor:
        """Small gaps anywhere, and details left out inside the outline: 0 there, else 1."""
        size, side = len(depth), depth.shape[2]
        gaps = self._smooth(size, 1, 28, side) > self._uniform(size, 1.3, 2.6)
        bare = torch.where(self._chance(size, 0.2), -9.0, self._uniform(size, -1.0, 2.5))
        left_out = (self._smooth(size, 1, 6, side) > bare) & (depth > 3.5)
        return (~(gaps | left_out)).float()

    def _colours(self, ink: Tensor, brightness: float) -> Tensor:
        """Another hue and another brightness; white stays white."""
        size = len(ink)
        changed, any_hue = self._chance(size, 0.6), self._chance(size, 0.4)
        far, little = self._uniform(size, -math.pi, math.pi), self._uniform(size, -0.2, 0.2)
        angle, strength = torch.where(any_hue, far, little), self._uniform(size, 0.5, 1.15)
        luma = (ink * torch.tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)
        red, green, blue = (ink - luma).split(1, 1)
        # A turn about the grey axis, by the formula of Rodrigues.
        side = torch.cat([blue - green, red - blue, green - red], 1) / math.sqrt(3)
        turned = (ink - luma) * torch.cos(angle) + side * torch.sin(angle)
        power = torch.exp(self._uniform(size, -brightness, brightness))
        other = 1 - (1 - (luma + strength * turned).clamp(0, 1)) ** power
        return torch.where(changed, other, ink)


@cache
def _cubic(cells: int, side: int) -> Tensor:
    """(side, cells): cubic interpolation as a matrix, many times faster than as an operation."""
    unit = torch.eye(cells)[None, None]
    return functional.interpolate(unit, (side, cells), mode="bicubic", align_corners=True)[0, 0]
