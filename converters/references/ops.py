"""The operations that references are written in, and what calculates them.

`NumpyOps` calculates in float64 and is always there. `TorchOps` and `TensorFlowOps` call the
networks' own frameworks. All arrays are NCHW numpy at the border; kernels are OIHW, those of
transposed convolutions IOHW; pads are (top, left, bottom, right).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import numpy as np

from converters.weights import Array

Pads = tuple[int, int, int, int]
PadMode = Literal["zero", "reflect", "edge"]
NO_PADS: Pads = (0, 0, 0, 0)


def same_pads(height: int, width: int, kernel: int, stride: int) -> Pads:
    """TensorFlow's SAME: the odd pixel at the bottom and at the right."""

    def along(side: int) -> tuple[int, int]:
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        return total // 2, total - total // 2

    (top, bottom), (left, right) = along(height), along(width)
    return top, left, bottom, right


class Ops(ABC):
    """One framework's arithmetic.

    Attributes:
        against: what stands in a manifest's `parity.against`: "PyTorch 2.13.0".
    """

    against: str

    @abstractmethod
    def conv(
        self,
        x: Array,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: int = 1,
        pads: Pads = NO_PADS,
        groups: int = 1,
    ) -> Array:
        """Cross-correlation of (1, I, H, W) with (O, I / groups, kh, kw), zero-padded."""

    @abstractmethod
    def conv_transpose(
        self,
        x: Array,
        weight: Array,
        bias: Array | None = None,
        *,
        stride: int = 1,
        padding: int = 0,
        output_padding: int = 0,
    ) -> Array:
        """Of (1, I, H, W) with (I, O, k, k), as PyTorch's ConvTranspose2d counts."""

    @abstractmethod
    def pad(self, x: Array, pads: Pads, mode: PadMode) -> Array: ...

    @abstractmethod
    def instance_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float
    ) -> Array:
        """With the mean and biased variance of each map of `x` itself."""

    @abstractmethod
    def batch_norm(
        self,
        x: Array,
        mean: Array,
        variance: Array,
        gamma: Array | None,
        beta: Array | None,
        epsilon: float,
    ) -> Array:
        """With stored statistics; of (1, C, H, W) or (1, C)."""

    @abstractmethod
    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        """(1, I) with (O, I)."""

    @abstractmethod
    def relu(self, x: Array) -> Array: ...

    @abstractmethod
    def leaky_relu(self, x: Array, slope: float) -> Array: ...

    @abstractmethod
    def prelu(self, x: Array, slope: Array) -> Array:
        """With a slope (C,) or (1,)."""

    @abstractmethod
    def elu(self, x: Array) -> Array: ...

    @abstractmethod
    def tanh(self, x: Array) -> Array: ...

    @abstractmethod
    def sigmoid(self, x: Array) -> Array: ...

    @abstractmethod
    def max_pool(self, x: Array, kernel: int, stride: int, pads: Pads = NO_PADS) -> Array: ...

    @abstractmethod
    def nearest(self, x: Array, factor: int) -> Array: ...

    @abstractmethod
    def pixel_shuffle(self, x: Array, block: int) -> Array:
        """Channel = (output channel, row, column), as PyTorch orders: CRD."""

    @abstractmethod
    def depth_to_space(self, x: Array, block: int) -> Array:
        """Channel = (row, column, output channel), as TensorFlow orders: DCR."""

    def concat(self, parts: Sequence[Array]) -> Array:
        """Along the channels."""
        return np.concatenate(parts, axis=1)

    def clip(self, x: Array, low: float, high: float) -> Array:
        return np.clip(x, low, high)
