"""The network: luma in, luma of twice the size out, a learned correction on top of bicubic."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

SCALE = 2
WIDTH = 24
BODY = 4
KERNEL = 3
BICUBIC_RADIUS = 2
"""Pixels that the bicubic filter looks to each side, at the input's resolution."""


class UpscaleNetwork(nn.Module):
    """Five convolutions with a leaky slope, a long skip, and a last one that predicts sub-pixels.

    Everything is at the input's resolution; only PixelShuffle leaves it. Convolutions pad with
    zeros, which is black because the luma comes without its offset; the bicubic pads with the
    nearest pixel. The exported graph does both the same way, so that it is equal at borders too.
    """

    bicubic: Tensor

    def __init__(self, width: int = WIDTH, body: int = BODY) -> None:
        super().__init__()
        self.head = _block(1, width)
        self.body = nn.Sequential(*(_block(width, width) for _ in range(body)))
        self.tail = nn.Conv2d(width, SCALE * SCALE, KERNEL, padding=KERNEL // 2)
        nn.init.kaiming_normal_(self.tail.weight, nonlinearity="linear")
        # Small, so that training starts from plain bicubic rather than from noise.
        self.tail.weight.data.mul_(0.1)
        nn.init.zeros_(self.tail.bias)  # type: ignore[arg-type]
        self.register_buffer("bicubic", torch.from_numpy(bicubic_kernel()), persistent=False)

    def correction(self, luma: Tensor) -> Tensor:
        """What is to be added to bicubic.

        Args:
            luma: float (N, 1, H, W), without offset, of 1.
        Returns: float (N, 1, 2H, 2W), same unit.
        """
        first = self.head(luma)
        subpixels = self.tail(self.body(first) + first)
        return functional.pixel_shuffle(subpixels, SCALE)

    def enlarged(self, luma: Tensor) -> Tensor:
        """Bicubic alone: float (N, 1, H, W) to (N, 1, 2H, 2W)."""
        padded = functional.pad(luma, [BICUBIC_RADIUS] * 4, mode="replicate")
        return functional.pixel_shuffle(functional.conv2d(padded, self.bicubic), SCALE)

    def forward(self, luma: Tensor) -> Tensor:
        """The enlarged luma: float (N, 1, H, W) to (N, 1, 2H, 2W), not clamped."""
        return self.enlarged(luma) + self.correction(luma)


def bicubic_kernel() -> npt.NDArray[np.float32]:
    """The bicubic x2 as one convolution.

    Returns: float32 (4, 1, 5, 5): one 5x5 filter for each sub-pixel, row phase first.
    Source: Keys' cubic with a = -0.5, sample centres at half pixels, as Pillow's BICUBIC.
    """
    side = 2 * BICUBIC_RADIUS + 1
    rows = np.zeros((SCALE, side))
    for phase in range(SCALE):
        centre = (phase + 0.5) / SCALE - 0.5
        for tap in range(side):
            rows[phase, tap] = _keys(abs(tap - BICUBIC_RADIUS - centre))
    planes = [np.outer(rows[i], rows[j]) for i in range(SCALE) for j in range(SCALE)]
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
    activation = nn.PReLU()
    # He initialisation for the slope that PReLU starts with.
    nn.init.kaiming_normal_(convolution.weight, a=0.25)
    nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
    return nn.Sequential(convolution, activation)
