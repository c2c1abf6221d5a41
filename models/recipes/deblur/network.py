"""The network: a U-Net of plain residual blocks whose result is added to the blurred frame."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn
from torch.nn import functional

WIDTHS = (32, 64, 96)
BLOCKS = (1, 2, 4)
"""Residual blocks at a half, a quarter and an eighth of the frame's size, on the way down; on the
way up as many again at the first two."""
STRIDE = 8
"""Sides of a frame are multiples of this."""
COLOURS = 3


class DeblurNetwork(nn.Module):
    """Everything is at half of the frame's size or less: pixels are first folded 2x2 into channels.

    Between levels features are enlarged by repeating them, which cannot draw a grid of its own: of
    a flat frame all of them stay flat. Only the last step, which unfolds channels into 2x2 pixels,
    could; it starts out alike for all four, and training shows it flat frames.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS, blocks: tuple[int, ...] = BLOCKS) -> None:
        super().__init__()
        self.head = _conv(4 * COLOURS, widths[0])
        steps = list(itertools.pairwise(widths))
        self.encoders = nn.ModuleList(
            _blocks(w, n) for w, n in zip(widths[:-1], blocks[:-1], strict=True)
        )
        self.downs = nn.ModuleList(_conv(a, b, stride=2) for a, b in steps)
        self.middle = _blocks(widths[-1], blocks[-1])
        self.ups = nn.ModuleList(_conv(b, a, side=1) for a, b in reversed(steps))
        self.decoders = nn.ModuleList(
            _blocks(w, n) for w, n in zip(reversed(widths[:-1]), reversed(blocks[:-1]), strict=True)
        )
        self.tail = _conv(widths[0], 4 * COLOURS)
        with torch.no_grad():
            # Small, so that training starts from the frame itself; and the same for the four
            # pixels that a place is unfolded into.
            first = self.tail.weight[::4] * 0.02
            self.tail.weight.copy_(first.repeat_interleave(4, 0))

    def forward(self, frame: Tensor) -> Tensor:
        """The sharper frame, not clamped.

        Args:
            frame: float (N, 3, H, W), RGB, sRGB-encoded, of 1; H and W multiples of STRIDE.
        """
        x = self.head(functional.pixel_unshuffle(frame, 2))
        skips = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            x = encoder(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            x = functional.interpolate(up(x), scale_factor=2.0, mode="nearest")
            x = decoder(x + skips.pop())
        return frame + functional.pixel_shuffle(self.tail(x), 2)


class ResidualBlock(nn.Module):
    """x + convolution(relu(convolution(x)))."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width)
        self.second = _conv(width, width)
        with torch.no_grad():
            # He initialisation before the relu. Without norms a stack of blocks keeps its scale
            # only if each adds little at first.
            self.first.weight.mul_(2**0.5)
            self.second.weight.mul_(0.2)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = x + self.second(functional.relu(self.first(x)))
        return added


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(ResidualBlock(width) for _ in range(count)))


def _conv(inputs: int, outputs: int, *, side: int = 3, stride: int = 1) -> nn.Conv2d:
    conv = nn.Conv2d(inputs, outputs, side, stride, side // 2)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv


def reach(blocks: tuple[int, ...] = BLOCKS) -> int:
    """How far a pixel of the result looks, in pixels: every 3x3 kernel counts its step once."""
    convolutions = 2.0 * (1 + 1)  # first and last
    for level, count in enumerate(blocks):
        step, ways = 2 ** (level + 1), 2 if level < len(blocks) - 1 else 1
        convolutions += step * 2 * count * ways
        if ways == 2:
            convolutions += step  # on the way down
    # A place within the coarsest pixel decides where that one stands.
    return int(convolutions) + STRIDE
