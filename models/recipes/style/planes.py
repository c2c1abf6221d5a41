"""What painterly filters are built from: blur, steps, and looking up a plane between its pixels."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
"""float32 (H, W)."""
Planes = npt.NDArray[np.float32]
"""float32 (C, H, W)."""

LUMA = (0.299, 0.587, 0.114)


def luma(frame: Planes) -> Plane:
    """BT.601 luma, 0 to 1, of an RGB frame (3, H, W), 0 to 1."""
    return np.tensordot(np.float32(LUMA), frame, 1).astype(np.float32)


def blur(planes: Planes, sigma: float) -> Planes:
    """Gaussian blur of the last two axes; beyond the border its nearest pixel."""
    radius = max(1, math.ceil(2.5 * sigma))
    at = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (at / sigma) ** 2)
    return _filtered(planes, (weights / weights.sum()).astype(np.float32))


def box(planes: Planes, radius: int) -> Planes:
    """Mean over a square of 2 * radius + 1 pixels a side."""
    side = 2 * radius + 1
    return _filtered(planes, np.full(side, 1 / side, np.float32))


def _filtered(planes: Planes, weights: npt.NDArray[np.float32]) -> Planes:
    radius = len(weights) // 2
    for axis in (-2, -1):
        pads = [(0, 0)] * planes.ndim
        pads[axis] = (radius, radius)
        padded = np.pad(planes, pads, "edge")
        length = planes.shape[axis]
        total = np.zeros_like(planes)
        for start, weight in enumerate(weights):
            window = [slice(None)] * planes.ndim
            window[axis] = slice(start, start + length)
            total += weight * padded[tuple(window)]
        planes = total
    return planes


def gradients(planes: Planes) -> tuple[Planes, Planes]:
    """Differences to the right and downwards, of 1 a pixel, smoothed across by Scharr's weights."""
    padded = np.pad(planes, [(0, 0)] * (planes.ndim - 2) + [(1, 1), (1, 1)], "edge")
    down = 0.1875 * padded[..., :-2, :] + 0.625 * padded[..., 1:-1, :] + 0.1875 * padded[..., 2:, :]
    over = 0.1875 * padded[..., :-2] + 0.625 * padded[..., 1:-1] + 0.1875 * padded[..., 2:]
    return (down[..., 2:] - down[..., :-2]) / 2, (over[..., 2:, :] - over[..., :-2, :]) / 2


def sample(planes: Planes, x: Plane, y: Plane) -> Planes:
    """Values between pixels, bilinear; beyond the border its nearest pixel.

    Args:
        planes: (..., H, W).
        x: where to look, in pixels from the left, for each pixel of the result; `y` likewise.
    """
    height, width = planes.shape[-2:]
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    left = np.minimum(x.astype(np.int32), max(0, width - 2))
    top = np.minimum(y.astype(np.int32), max(0, height - 2))
    right_share, lower_share = x - left, y - top
    flat = planes.reshape(*planes.shape[:-2], -1)
    at = top * width + left
    beside, below = int(width > 1), width * int(height > 1)
    upper = flat[..., at] * (1 - right_share) + flat[..., at + beside] * right_share
    lower = flat[..., at + below] * (1 - right_share) + flat[..., at + below + beside] * right_share
    return (upper * (1 - lower_share) + lower * lower_share).astype(np.float32)


def smooth_step(values: Plane, low: float, high: float) -> Plane:
    """0 up to `low`, 1 from `high`, without a corner between."""
    t = ((values - low) / (high - low)).clip(0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)
