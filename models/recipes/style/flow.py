"""Which way the edges of a picture run, and smoothing along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .planes import Plane, Planes, blur, gradients, sample


@dataclass(frozen=True, slots=True)
class Flow:
    """The direction along edges at each pixel.

    Attributes:
        x: and `y`: a unit vector along the edge; its sign means nothing.
        strength: 0 where no direction is better than another, towards 1 on a clean edge.
    """

    x: Plane
    y: Plane
    strength: Plane

    @property
    def double_angle(self) -> Planes:
        """(2, H, W): cosine and sine of twice the angle, times strength: what may be averaged."""
        cos, sin = self.x**2 - self.y**2, 2 * self.x * self.y
        return np.stack([cos, sin]) * self.strength


def edge_flow(frame: Planes, sigma: float, floor: float = 2e-5) -> Flow:
    """Of the smoothed structure tensor of all colours.

    Args:
        frame: (C, H, W), 0 to 1.
        sigma: how far gradients are averaged, in pixels.
        floor: squared gradient (of 1 a pixel) under which a direction counts little: noise has
            directions too, and they jump from frame to frame.
    Source: Kyprianidis and Kang, "Image and Video Abstraction by Coherence-Enhancing Filtering".
    """
    dx, dy = gradients(frame)
    tensor = np.stack([(dx * dx).sum(0), (dx * dy).sum(0), (dy * dy).sum(0)])
    xx, xy, yy = blur(tensor, sigma)
    spread = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    strength = spread / (xx + yy + np.float32(floor))
    # The gradient's direction is half the angle of (xx - yy, 2 xy); edges run across it.
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.float32(np.pi / 2)
    return Flow(np.cos(angle), np.sin(angle), strength.astype(np.float32))


def along(planes: Planes, flow: Flow, sigma: float, step: float = 1.0) -> Planes:
    """Gaussian mean along the curves that follow `flow`, to both sides.

    Where there is no direction the walk comes to a stop, and less is averaged.
    """
    height, width = flow.x.shape
    y0, x0 = np.mgrid[0:height, 0:width].astype(np.float32)
    total, weights = planes.copy(), 1.0
    field = np.stack([flow.x, flow.y, flow.strength])
    for side in (1.0, -1.0):
        x, y = x0, y0
        heading_x, heading_y = side * flow.x, side * flow.y
        pace = flow.strength
        for index in range(1, round(2 * sigma / step) + 1):
            x, y = x + step * pace * heading_x, y + step * pace * heading_y
            weight = float(np.exp(-0.5 * (index * step / sigma) ** 2))
            total += weight * sample(planes, x, y)
            # The nearest pixel's heading: between two opposite signs a mean would be zero.
            column = np.rint(x).astype(np.int32).clip(0, width - 1)
            row = np.rint(y).astype(np.int32).clip(0, height - 1)
            next_x, next_y, pace = field[:, row, column]
            sign = np.where(next_x * heading_x + next_y * heading_y < 0, -1, 1).astype(np.float32)
            heading_x, heading_y = sign * next_x, sign * next_y
    # Both sides have the same weights, the middle once.
    count = round(2 * sigma / step)
    weights += 2 * sum(float(np.exp(-0.5 * (i * step / sigma) ** 2)) for i in range(1, count + 1))
    return (total / np.float32(weights)).astype(np.float32)


def across(plane: Plane, flow: Flow, sigma: float) -> Plane:
    """Gaussian mean along the straight line across the edge."""
    height, width = flow.x.shape
    y0, x0 = np.mgrid[0:height, 0:width].astype(np.float32)
    total, weights = plane.copy(), 1.0
    for index in range(1, max(1, round(2.5 * sigma)) + 1):
        weight = float(np.exp(-0.5 * (index / sigma) ** 2))
        for side in (index, -index):
            total += weight * sample(plane, x0 - side * flow.y, y0 + side * flow.x)
        weights += 2 * weight
    return (total / np.float32(weights)).astype(np.float32)
