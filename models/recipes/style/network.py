"""The network that finds a painting's layers: convolutions at a quarter of the resolution."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDE = 4
FIRST_KERNEL = 8
SLOPE = 0.1
WIDTH = 32
BLOCKS = 4


class Block(nn.Module):
    """Two 3x3 convolutions whose result is added to what they were given."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = _convolution(width, width, gain=0.3)

    def forward(self, features: Tensor) -> Tensor:
        inner = functional.leaky_relu(self.first(features), SLOPE)
        return functional.leaky_relu(features + cast(Tensor, self.second(inner)), SLOPE)


class LayerNetwork(nn.Module):
    """Frame (N, 3, H, W), RGB, 0 to 1, to layers (N, count, H, W) before clamping to 0 to 1.

    H and W are multiples of STRIDE.
    """

    def __init__(
        self, count: int, width: int = WIDTH, blocks: int = BLOCKS, *, coloured: bool = False
    ) -> None:
        """
        Args:
            coloured: the first three layers are the frame's colours, changed: the network adds to
                a soft copy of the frame, and need not learn what red is.
        """
        super().__init__()
        self.coloured = coloured
        # Overlapping by a half, and reduced at once: cheaper than any layer at full resolution.
        self.head = nn.Conv2d(3, width, FIRST_KERNEL, STRIDE, (FIRST_KERNEL - STRIDE) // 2)
        nn.init.kaiming_normal_(self.head.weight, SLOPE)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.tail = _convolution(width, count * STRIDE**2, gain=0.3)
        with torch.no_grad():
            self.tail.bias.fill_(0.5)  # type: ignore[union-attr]
            if coloured:
                self.tail.bias[: 3 * STRIDE**2] = 0.0  # type: ignore[index]

    def forward(self, frame: Tensor) -> Tensor:
        # Black is no more than another colour: centred, zero padding is grey.
        features = functional.leaky_relu(self.head(frame - 0.5), SLOPE)
        for block in self.blocks:
            features = block(features)
        layers = functional.pixel_shuffle(self.tail(features), STRIDE)
        if not self.coloured:
            return layers
        soft = functional.avg_pool2d(frame, STRIDE)
        soft = functional.interpolate(soft, scale_factor=STRIDE, mode="bilinear")
        return torch.cat([layers[:, :3] + soft, layers[:, 3:]], 1)


class TileNetwork(nn.Module):
    """Frame (N, 3, H, W), RGB, 0 to 1, to layers (N, count, H / cell, W / cell) before clamping.

    H and W are multiples of `cell`, which is one of STRIDE. What a tile is depends on the tiles
    around it too, so half of the network works at one value a tile.
    """

    def __init__(
        self, count: int, cell: int, width: int = WIDTH, blocks: int = 2, deep: int = 2 * WIDTH
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(3, width, FIRST_KERNEL, STRIDE, (FIRST_KERNEL - STRIDE) // 2)
        nn.init.kaiming_normal_(self.head.weight, SLOPE)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        # Each tile's own pixels, in order: where they are in the tile is what a cut depends on.
        self.gather = _convolution(width, deep, side=cell // STRIDE, stride=cell // STRIDE)
        self.deep = nn.ModuleList(Block(deep) for _ in range(blocks))
        self.tail = _convolution(deep, count, gain=0.3)
        with torch.no_grad():
            self.tail.bias.fill_(0.5)  # type: ignore[union-attr]

    def forward(self, frame: Tensor) -> Tensor:
        features = functional.leaky_relu(self.head(frame - 0.5), SLOPE)
        for block in self.blocks:
            features = block(features)
        features = functional.leaky_relu(self.gather(features), SLOPE)
        for block in self.deep:
            features = block(features)
        return cast(Tensor, self.tail(features))


def _convolution(
    inputs: int, outputs: int, gain: float = 1.0, side: int = 3, stride: int = 1
) -> nn.Conv2d:
    padding = side // 2 if stride == 1 else 0
    convolution = nn.Conv2d(inputs, outputs, side, stride, padding)
    nn.init.kaiming_normal_(convolution.weight, SLOPE)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    with torch.no_grad():
        convolution.weight.mul_(gain)
    return convolution
