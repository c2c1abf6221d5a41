"""The network: a frame in, the next frame out, of the same size."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .graph import EPSILON, FLOW_SCALE, LEVELS, SLOPE, WIDTH, Shape

LAST_SHARE = 0.01
"""Of He's spread, for the weights of the last convolution: training starts near standing still."""


class NextFrameNetwork(nn.Module):
    """A U-Net that says where each pixel comes from, and what is to be added to it.

    Frame upon frame, what flows is carried along and not drawn anew: a network that only adds must
    learn to take away here what it draws there, and that took many times as long.

    Convolutions of stride 2 lead down; up again it goes by repeating pixels and convolving, which
    draws no checkerboard, and what the way down found at the same size is added. Below full size
    every map is normalised over the frame: that is a gain control, which brings a faint frame to
    life again. Convolutions pad with zeros, and 0 is middle grey, so that the border can be seen.

    Args:
        width: channels at full size; level i below has i + 1 times as many.
        levels: how often the size is halved.
    """

    def __init__(self, width: int = WIDTH, levels: int = LEVELS) -> None:
        super().__init__()
        self.shape = Shape(width, levels)
        widths = self.shape.widths
        self.first = _convolution(3, widths[0])
        self.down = nn.ModuleList(
            _Normed(above, below, stride=2) for above, below in pairwise(widths)
        )
        self.bottom = nn.ModuleList([_Normed(widths[-1], widths[-1]) for _ in range(2)])
        self.up = nn.ModuleList(
            _Normed(below, above) for above, below in reversed(self.shape.inner_pairs)
        )
        self.after = nn.ModuleList(
            _Normed(above, above) for above, _ in reversed(self.shape.inner_pairs)
        )
        self.rise = _convolution(widths[1], widths[0])
        self.last = _convolution(widths[0], 5)
        with torch.no_grad():
            self.last.weight.mul_(LAST_SHARE)

    def unbounded(self, frame: Tensor) -> Tensor:
        """The next frame, of 1, where it may lie below 0 or above 1.

        Args:
            frame: float (N, 3, H, W), 0 to 1; H and W multiples of `shape.multiple`, twice that
                at least.
        """
        said = self._said(frame)
        return _carried(frame, FLOW_SCALE * said[:, 3:]) + said[:, :3]

    def change(self, frame: Tensor) -> Tensor:
        """By how much the next frame differs: float (N, 3, H, W), of 1; see `unbounded`."""
        return self.unbounded(frame) - frame

    def forward(self, frame: Tensor) -> Tensor:
        """The next frame: float (N, 3, H, W), 0 to 1; see `unbounded`."""
        return self.unbounded(frame).clamp(0, 1)

    def _said(self, frame: Tensor) -> Tensor:
        """(N, 5, H, W): what is added, and how far to the right and below each pixel is fetched."""
        x = functional.leaky_relu(self.first(frame - 0.5), SLOPE)
        passed = [x]
        for step in self.down:
            x = step(x)
            passed.append(x)
        passed.pop()
        for step in self.bottom:
            x = x + step(x)
        for rise, after in zip(self.up, self.after, strict=True):
            x = rise(_twice(x)) + passed.pop()
            x = x + after(x)
        x = functional.leaky_relu(self.rise(_twice(x)) + passed.pop(), SLOPE)
        said: Tensor = self.last(x)
        return said


class _Normed(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = _convolution(inputs, outputs, stride)
        self.norm = nn.InstanceNorm2d(outputs, eps=EPSILON, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return functional.leaky_relu(self.norm(self.convolution(x)), SLOPE)


def _carried(frame: Tensor, flow: Tensor) -> Tensor:
    """The frame, each pixel fetched from where the flow (N, 2, H, W) says, in pixels."""
    height, width = frame.shape[2:]
    columns = torch.arange(1, width + 1, dtype=frame.dtype, device=frame.device)
    rows = torch.arange(1, height + 1, dtype=frame.dtype, device=frame.device)
    x = (2 * (columns + flow[:, 0]) - 1) / width - 1
    y = (2 * (rows[:, None] + flow[:, 1]) - 1) / height - 1
    places = torch.stack([x, y], dim=3)
    return functional.grid_sample(
        frame, places, mode="bilinear", padding_mode="border", align_corners=False
    )


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="nearest")


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    made = nn.Conv2d(inputs, outputs, 3, stride, padding=1)
    nn.init.kaiming_normal_(made.weight, a=SLOPE)
    nn.init.zeros_(made.bias)  # type: ignore[arg-type]
    return made
