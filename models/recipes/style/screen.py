"""What lies on the screen and not in the picture: paper, hatching, bristles, tiles.

Each map repeats itself, most after PERIOD pixels: a graph holds one of them and lays it out again
and again.
"""

from __future__ import annotations

import numpy as np

from .planes import Plane, Planes

PERIOD = 128


def _grid() -> tuple[Plane, Plane]:
    y, x = np.mgrid[0:PERIOD, 0:PERIOD].astype(np.float32)
    return x, y


def noise(
    seed: int, sigma: float, sigma_down: float | None = None, period: int = PERIOD
) -> Plane:  # fmt: skip
    """Blurred white noise of mean 0 and deviation 1 that joins itself at its borders.

    Args:
        sigma: of the blur in pixels, to the right; downwards the same if `sigma_down` is not given.
    """
    white = np.random.default_rng(seed).standard_normal((period, period))
    across, down = np.fft.fftfreq(period)[None], np.fft.fftfreq(period)[:, None]
    squared = (sigma * across) ** 2 + ((sigma_down or sigma) * down) ** 2
    soft = np.fft.ifft2(np.fft.fft2(white) * np.exp(-2 * np.pi**2 * squared)).real
    return ((soft - soft.mean()) / soft.std()).astype(np.float32)


def hatching(right: int, down: int, seed: int) -> Plane:
    """Distance from the nearest hatching line: 0 on it, 1 halfway to the next.

    Args:
        right: how many lines a row of PERIOD pixels crosses; `down` likewise for a column.
    """
    x, y = _grid()
    # A hand is not a ruler.
    turns = (right * x + down * y) / PERIOD + 0.10 * noise(seed, 9.0) + 0.03 * noise(seed + 1, 2.0)
    return (1 - np.abs(2 * (turns % 1) - 1)).astype(np.float32)


def spread(maps: Planes, top: int, left: int, height: int, width: int) -> Planes:
    """The part of the endless screen that a window shows: (1, C, height, width)."""
    rows = (top + np.arange(height)) % maps.shape[1]
    columns = (left + np.arange(width)) % maps.shape[2]
    return np.ascontiguousarray(maps[None, :, rows][..., columns])
