"""References in TensorFlow, float32 on the processor, in its own NHWC."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf

from converters.references.ops import NO_PADS, Ops, PadMode, Pads
from converters.weights import Array


class TensorFlowOps(Ops):
    against = f"TensorFlow {tf.__version__}"

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        pads: Pads = NO_PADS, groups: int = 1,
    ) -> Array:  # fmt: skip
        out, inside, *_ = weight.shape
        padded = _to(self.pad(x, pads, "zero"))
        if groups == 1:
            result = tf.nn.conv2d(padded, _kernel(weight), stride, "VALID")
        elif inside == 1:
            # Channels of a group stand side by side in both layouts.
            kernel = weight.reshape(groups, out // groups, *weight.shape[2:])
            depthwise = np.ascontiguousarray(kernel.transpose(2, 3, 0, 1), np.float32)
            strides = [1, stride, stride, 1]
            result = tf.nn.depthwise_conv2d(padded, depthwise, strides, "VALID")
        else:
            each = out // groups
            parts = [
                tf.nn.conv2d(
                    padded[..., group * inside : (group + 1) * inside],
                    _kernel(weight[group * each : (group + 1) * each]), stride, "VALID",
                )
                for group in range(groups)
            ]  # fmt: skip
            result = tf.concat(parts, axis=-1)
        return _back(result if bias is None else tf.nn.bias_add(result, _f32(bias)))

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        padding: int = 0, output_padding: int = 0,
    ) -> Array:  # fmt: skip
        # TensorFlow's own kernel is (kh, kw, O, I).
        kernel = np.ascontiguousarray(weight.transpose(2, 3, 1, 0), np.float32)
        height, width = x.shape[2:]
        kh, kw = kernel.shape[:2]
        shape = (1, (height - 1) * stride + kh, (width - 1) * stride + kw, kernel.shape[2])
        full = tf.nn.conv2d_transpose(_to(x), kernel, shape, stride, "VALID")
        full = tf.pad(full, [[0, 0], [0, output_padding], [0, output_padding], [0, 0]])
        end_h, end_w = full.shape[1] - padding, full.shape[2] - padding
        result = full[:, padding:end_h, padding:end_w]
        return _back(result if bias is None else tf.nn.bias_add(result, _f32(bias)))

    def pad(self, x: Array, pads: Pads, mode: PadMode) -> Array:
        top, left, bottom, right = pads
        if not any(pads):
            return x
        if mode == "edge":
            return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), mode="edge")
        widths = [[0, 0], [top, bottom], [left, right], [0, 0]]
        return _back(tf.pad(_to(x), widths, "REFLECT" if mode == "reflect" else "CONSTANT"))

    def instance_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float
    ) -> Array:
        seen = _to(x)
        mean, variance = tf.nn.moments(seen, [1, 2], keepdims=True)
        scale, offset = _maybe(gamma), _maybe(beta)
        # Centred first, as its fused kernel does: x / deviation - mean / deviation cancels badly.
        centred = seen - mean
        return _back(tf.nn.batch_normalization(centred, 0.0, variance, offset, scale, epsilon))

    def batch_norm(
        self, x: Array, mean: Array, variance: Array, gamma: Array | None, beta: Array | None,
        epsilon: float,
    ) -> Array:  # fmt: skip
        seen = _to(x) if x.ndim == 4 else tf.constant(_f32(x))
        result = tf.nn.batch_normalization(
            seen, _f32(mean), _f32(variance), _maybe(beta), _maybe(gamma), epsilon
        )
        return _back(result) if x.ndim == 4 else np.asarray(result)

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        result = tf.linalg.matmul(_f32(x), _f32(weight), transpose_b=True)
        return np.asarray(result if bias is None else result + _f32(bias))

    def relu(self, x: Array) -> Array:
        return np.asarray(tf.nn.relu(_f32(x)))

    def leaky_relu(self, x: Array, slope: float) -> Array:
        return np.asarray(tf.nn.leaky_relu(_f32(x), slope))

    def prelu(self, x: Array, slope: Array) -> Array:
        over = _f32(slope).reshape((1, -1) + (1,) * (x.ndim - 2))
        return np.asarray(tf.nn.relu(_f32(x)) + over * tf.minimum(_f32(x), 0))

    def elu(self, x: Array) -> Array:
        return np.asarray(tf.nn.elu(_f32(x)))

    def tanh(self, x: Array) -> Array:
        return np.asarray(tf.tanh(_f32(x)))

    def sigmoid(self, x: Array) -> Array:
        return np.asarray(tf.sigmoid(_f32(x)))

    def max_pool(self, x: Array, kernel: int, stride: int, pads: Pads = NO_PADS) -> Array:
        top, left, bottom, right = pads
        widths = [[0, 0], [top, bottom], [left, right], [0, 0]]
        padded = tf.pad(_to(x), widths, constant_values=-np.inf)
        return _back(tf.nn.max_pool2d(padded, kernel, stride, "VALID"))

    def nearest(self, x: Array, factor: int) -> Array:
        size = (x.shape[2] * factor, x.shape[3] * factor)
        return _back(tf.image.resize(_to(x), size, method="nearest"))

    def pixel_shuffle(self, x: Array, block: int) -> Array:
        _, channels, height, width = x.shape
        parts = x.reshape(1, channels // block**2, block * block, height, width)
        ordered = parts.transpose(0, 2, 1, 3, 4).reshape(1, channels, height, width)
        return self.depth_to_space(ordered, block)

    def depth_to_space(self, x: Array, block: int) -> Array:
        return _back(tf.nn.depth_to_space(_to(x), block))


def _f32(x: Array) -> Array:
    return np.ascontiguousarray(x, np.float32)


def _maybe(x: Array | None) -> Array | None:
    return None if x is None else _f32(x)


def _kernel(weight: Array) -> Array:
    return _f32(weight.transpose(2, 3, 1, 0))


def _to(x: Array) -> Any:
    return tf.constant(_f32(x.transpose(0, 2, 3, 1)))


def _back(x: Any) -> Array:
    return np.asarray(x).transpose(0, 3, 1, 2)
