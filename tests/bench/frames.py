"""Frames to measure with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def noise(width: int, height: int) -> Pixels:
    """uint8 (height, width, 4), seeded: where no time depends on what the picture shows."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)


def picture(width: int, height: int) -> Pixels:
    """uint8 (height, width, 4), opaque, about as hard to compress as a photograph: noise whose
    strength falls with its frequency. White noise would do a JPEG bridge wrong."""
    random = np.random.default_rng(0)
    total = np.zeros((height, width, 3), np.float32)
    cells, strength = 4, 1.0
    while cells < width:
        grid = random.random((max(2, cells * height // width), cells, 3)).astype(np.float32)
        total += strength * _enlarged(grid, width, height)
        cells, strength = cells * 2, strength * 0.9
    low, high = total.min(), total.max()
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[:, :, :3] = (255 * (total - low) / (high - low)).astype(np.uint8)
    return rgba


def _enlarged(grid: NDArray[Any], width: int, height: int) -> NDArray[np.float32]:
    planes = [
        Image.fromarray(grid[:, :, i]).resize((width, height), Image.Resampling.BICUBIC)
        for i in range(3)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=2)
