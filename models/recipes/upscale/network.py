"""The network: luma in, luma of twice the size or more out, a correction on top of bicubic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from .slope import Slope

KERNEL = 3
BICUBIC_RADIUS = 2
"""Pixels that the bicubic filter looks to each side, at the input's resolution, at any scale."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of a network.

    Attributes:
        scale: how many times wider and higher the picture becomes.
        width: channels of the features.
        body: convolutions of `width` to `width` channels.
        narrow: channels of one more convolution after the long skip; 0 for none.
    """

    scale: int
    width: int
    body: int
    narrow: int = 0

    @property
    def subpixels(self) -> int:
        return self.scale * self.scale


class UpscaleNetwork(nn.Module):
    """Convolutions with a leaky slope, a long skip, and a last one that predicts sub-pixels.

    Everything is at the input's resolution; only PixelShuffle leaves it. Convolutions pad with
    zeros, which is black because the luma comes without its offset; the bicubic pads with the
    nearest pixel. The exported graph does both the same way, so that it is equal at borders too.
    """

    bicubic: Tensor

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.head = _block(1, shape.width)
        self.body = nn.Sequential(*(_block(shape.width, shape.width) for _ in range(shape.body)))
        last = shape.width
        self.narrow: nn.Sequential | None = None
        if shape.narrow:
            self.narrow, last = _block(shape.width, shape.narrow), shape.narrow
        self.tail = nn.Conv2d(last, shape.subpixels, KERNEL, padding=KERNEL // 2)
        nn.init.kaiming_normal_(self.tail.weight, nonlinearity="linear")
        # Small, so that training starts from plain bicubic rather than from noise.
        self.tail.weight.data.mul_(0.1)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        kernel = torch.from_numpy(bicubic_kernel(shape.scale))
        self.register_buffer("bicubic", kernel, persistent=False)

    def inner(self) -> list[nn.Parameter]:
        """The weights of the convolutions from features to features."""
        blocks = [*self.body, *([] if self.narrow is None else [self.narrow])]
        return [block[0].weight for block in blocks]  # type: ignore[index]

    def correction(self, luma: Tensor) -> Tensor:
        """What is to be added to bicubic.

        Args:
            luma: float (N, 1, H, W), without offset, of 1.
        Returns: float (N, 1, scale H, scale W), same unit.
        """
        first = self.head(luma)
        features = self.body(first) + first
        if self.narrow is not None:
            features = self.narrow(features)
        return functional.pixel_shuffle(self.tail(features), self.shape.scale)

    def enlarged(self, luma: Tensor) -> Tensor:
        """Bicubic alone: float (N, 1, H, W) to (N, 1, scale H, scale W)."""
        return enlarged(luma, self.bicubic)

    def forward(self, luma: Tensor) -> Tensor:
        """The enlarged luma: float (N, 1, H, W) to (N, 1, scale H, scale W), not clamped."""
        return self.enlarged(luma) + self.correction(luma)


def resampled_tail(weights: Tensor, scale: int) -> Tensor:
    """The last convolution's weights or biases for another scale: each sub-pixel of the new one
    lies between two of the old, or beyond the outermost, whose weights it takes.

    Args:
        weights: float (S * S, ...), row phase first.
    Returns: float (scale * scale, ...).
    """
    old = round(len(weights) ** 0.5)
    places = (torch.arange(scale) + 0.5) / scale * old - 0.5
    shares = (1 - (places[:, None] - torch.arange(old)).abs()).clamp(min=0)
    shares = shares / shares.sum(1, keepdim=True)
    phases = weights.unflatten(0, (old, old))
    return torch.einsum("ai,bj,ij...->ab...", shares, shares, phases).flatten(0, 1)


def enlarged(luma: Tensor, kernel: Tensor) -> Tensor:
    """Bicubic: float (N, 1, H, W) to (N, 1, scale H, scale W); `kernel` as `bicubic_kernel`'s."""
    padded = functional.pad(luma, [BICUBIC_RADIUS] * 4, mode="replicate")
    return functional.pixel_shuffle(functional.conv2d(padded, kernel), round(len(kernel) ** 0.5))


def bicubic_kernel(scale: int) -> npt.NDArray[np.float32]:
    """Bicubic enlargement as one convolution.

    Returns: float32 (scale * scale, 1, 5, 5): one filter for each sub-pixel, row phase first.
    Source: Keys' cubic with a = -0.5, sample centres at half pixels, as Pillow's BICUBIC.
    """
    side = 2 * BICUBIC_RADIUS + 1
    rows = np.zeros((scale, side))
    for phase in range(scale):
        centre = (phase + 0.5) / scale - 0.5
        for tap in range(side):
            rows[phase, tap] = _keys(abs(tap - BICUBIC_RADIUS - centre))
    planes = [np.outer(rows[i], rows[j]) for i in range(scale) for j in range(scale)]
    return np.stack(planes)[:, None].astype(np.float32)


def _keys(distance: float, a: float = -0.5) -> float:
    if distance < 1:
        return (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    if distance < 2:
        return a * distance**3 - 5 * a * distance**2 + 8 * a * distance - 4 * a
    return 0.0


def _block(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, KERNEL, padding=KERNEL // 2)
    # One slope a layer: ONNX Runtime fuses LeakyRelu into the convolution, and PReLU, with a slope
    # a channel, takes half the time of the whole network there.
    activation = Slope()
    # He initialisation for the slope that PReLU starts with.
    nn.init.kaiming_normal_(convolution.weight, a=0.25)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return nn.Sequential(convolution, activation)
