"""What a painterly filter is to a recipe: what it finds in a frame, and how that is painted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .planes import Planes
from .screen import spread

Shares = npt.NDArray[np.float32]


class Easel(Protocol):
    """What `compose` needs beyond arithmetic, slices of channels and `clip`.

    NumPy, PyTorch and a graph each have one, so that how a picture is painted is written once.
    """

    def join(self, parts: list[Any]) -> Any:
        """Channels side by side."""

    def enlarge(self, value: Any, factor: int) -> Any:
        """Each pixel as a square of `factor` pixels a side."""

    def mix(self, value: Any, shares: Shares) -> Any:
        """Sums of channels: row k of `shares` holds what each gives to channel k of the result."""


class ArrayEasel:
    """Of NumPy's arrays."""

    def join(self, parts: list[Any]) -> Any:
        return np.concatenate(parts, 1)

    def enlarge(self, value: Any, factor: int) -> Any:
        return value.repeat(factor, 2).repeat(factor, 3)

    def mix(self, value: Any, shares: Shares) -> Any:
        return np.einsum("oc,nchw->nohw", shares, value, optimize=True)


@dataclass(frozen=True, slots=True)
class Painting:
    """A filter in two halves.

    Attributes:
        layers: what is found in a frame, float32 (3, H, W), RGB, 0 to 1: (count, H / cell,
            W / cell), 0 to 1. It knows no position, so that a network without one can learn it.
        count: of layers.
        screen_maps: (C, PERIOD, PERIOD), what lies on the screen.
        compose: layers (N, count, H / cell, W / cell), screen maps (1, C, H, W) and an easel to a
            picture (N, 3, H, W), RGB, 0 to 1.
        cell: side of what one value of a layer stands for, in pixels; sides of frames are
            multiples of it.
        coloured: the first three layers are colours near those of the frame.
        direction: index of the first of two layers that hold a direction, as (1 + cos 2a) / 2 and
            (1 + sin 2a) / 2; None without one.
        pictures: how many small ones the network learns from.
        jitters: what the filter finds in a picture is the mean of what it finds in so many noisy
            copies, so that nothing is learnt that a camera's noise would undo.
    """

    name: str
    layers: Callable[[Planes], Planes]
    count: int
    screen_maps: Callable[[], Planes]
    compose: Callable[[Any, Any, Easel], Any]
    cell: int = 1
    coloured: bool = False
    direction: int | None = None
    pictures: int = 640
    jitters: int = 3

    def side(self, pixels: int) -> int:
        """The largest side of a frame that is not above `pixels`."""
        return pixels // self.cell * self.cell

    def render(self, frame: Planes) -> Planes:
        """The filter itself: float32 (3, H, W), RGB, 0 to 1, of a frame of the same kind.

        A side that is no multiple of `cell` is filled up with its last pixels for the while.
        """
        height, width = frame.shape[-2:]
        pads = [(0, 0), (0, -height % self.cell), (0, -width % self.cell)]
        padded = np.pad(frame, pads, "edge")
        screen = spread(self.screen_maps(), 0, 0, *padded.shape[-2:])
        painted = self.compose(self.layers(padded)[None], screen, ArrayEasel())[0]
        result: Planes = painted[:, :height, :width].clip(0, 1).astype(np.float32)
        return result
