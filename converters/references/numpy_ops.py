"""References in numpy, float64: slow and plain, and always there."""

from __future__ import annotations

import numpy as np

from converters.references.ops import NO_PADS, Ops, PadMode, Pads
from converters.weights import Array

_MODES = {"zero": "constant", "reflect": "reflect", "edge": "edge"}


class NumpyOps(Ops):
    against = "an independent float64 calculation in numpy"

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        pads: Pads = NO_PADS, groups: int = 1,
    ) -> Array:  # fmt: skip
        x, weight = self.pad(_f64(x), pads, "zero"), _f64(weight)
        out, inside, kh, kw = weight.shape
        height, width = (x.shape[2] - kh) // stride + 1, (x.shape[3] - kw) // stride + 1
        result = np.zeros((1, out, height, width))
        each = out // groups
        for group in range(groups):
            of, to = (
                slice(group * inside, (group + 1) * inside),
                slice(group * each, (group + 1) * each),
            )
            for row in range(kh):
                for column in range(kw):
                    seen = x[
                        0,
                        of,
                        row : row + height * stride : stride,
                        column : column + width * stride : stride,
                    ]
                    result[0, to] += np.tensordot(
                        weight[to, :, row, column], seen[:, :height, :width], 1
                    )
        return result if bias is None else result + _f64(bias)[None, :, None, None]

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        padding: int = 0, output_padding: int = 0,
    ) -> Array:  # fmt: skip
        x, weight = _f64(x), _f64(weight)
        _, out, kh, kw = weight.shape
        height, width = x.shape[2:]
        full = np.zeros(
            (
                1,
                out,
                (height - 1) * stride + kh + output_padding,
                (width - 1) * stride + kw + output_padding,
            )
        )
        for row in range(kh):
            for column in range(kw):
                spread = np.tensordot(weight[:, :, row, column].T, x[0], 1)
                full[
                    0,
                    :,
                    row : row + height * stride : stride,
                    column : column + width * stride : stride,
                ][:, :height, :width] += spread
        result = full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]
        return result if bias is None else result + _f64(bias)[None, :, None, None]

    def pad(self, x: Array, pads: Pads, mode: PadMode) -> Array:
        top, left, bottom, right = pads
        widths = ((0, 0), (0, 0), (top, bottom), (left, right))
        return np.pad(_f64(x), widths, mode=_MODES[mode]) if any(pads) else _f64(x)  # type: ignore[call-overload]

    def instance_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float
    ) -> Array:
        x = _f64(x)
        mean, variance = x.mean((2, 3), keepdims=True), x.var((2, 3), keepdims=True)
        return _scaled((x - mean) / np.sqrt(variance + epsilon), gamma, beta)

    def batch_norm(
        self, x: Array, mean: Array, variance: Array, gamma: Array | None, beta: Array | None,
        epsilon: float,
    ) -> Array:  # fmt: skip
        x = _f64(x)
        normal = (x - _over(mean, x)) / np.sqrt(_over(variance, x) + epsilon)
        return _scaled(normal, gamma, beta)

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        result = _f64(x) @ _f64(weight).T
        return result if bias is None else result + _f64(bias)

    def relu(self, x: Array) -> Array:
        return np.maximum(x, 0)

    def leaky_relu(self, x: Array, slope: float) -> Array:
        return np.where(x > 0, x, slope * x)

    def prelu(self, x: Array, slope: Array) -> Array:
        return np.asarray(np.maximum(x, 0) + _over(slope, x) * np.minimum(x, 0))

    def elu(self, x: Array) -> Array:
        return np.where(x > 0, x, np.expm1(np.minimum(x, 0)))

    def tanh(self, x: Array) -> Array:
        return np.tanh(x)

    def sigmoid(self, x: Array) -> Array:
        return 0.5 * (1 + np.tanh(0.5 * _f64(x)))

    def max_pool(self, x: Array, kernel: int, stride: int, pads: Pads = NO_PADS) -> Array:
        top, left, bottom, right = pads
        widths = ((0, 0), (0, 0), (top, bottom), (left, right))
        x = np.pad(_f64(x), widths, constant_values=-np.inf)
        windows = np.lib.stride_tricks.sliding_window_view(x, (kernel, kernel), axis=(2, 3))
        pooled: Array = windows[:, :, ::stride, ::stride].max((-1, -2))
        return pooled

    def nearest(self, x: Array, factor: int) -> Array:
        return np.repeat(np.repeat(x, factor, axis=2), factor, axis=3)

    def pixel_shuffle(self, x: Array, block: int) -> Array:
        _, channels, height, width = x.shape
        parts = x.reshape(1, channels // block**2, block, block, height, width)
        return parts.transpose(0, 1, 4, 2, 5, 3).reshape(1, -1, height * block, width * block)

    def depth_to_space(self, x: Array, block: int) -> Array:
        _, channels, height, width = x.shape
        parts = x.reshape(1, block, block, channels // block**2, height, width)
        return parts.transpose(0, 3, 4, 1, 5, 2).reshape(1, -1, height * block, width * block)


def _f64(x: Array) -> Array:
    return np.asarray(x, np.float64)


def _over(values: Array, x: Array) -> Array:
    """(C,) laid over (1, C, H, W) or (1, C)."""
    return _f64(values).reshape((1, -1) + (1,) * (x.ndim - 2))


def _scaled(x: Array, gamma: Array | None, beta: Array | None) -> Array:
    if gamma is not None:
        x = x * _over(gamma, x)
    return np.asarray(x if beta is None else x + _over(beta, x))
