"""References in PyTorch, float32 on the processor: the arithmetic that a model was trained in."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn import functional

from converters.references.ops import NO_PADS, Ops, PadMode, Pads
from converters.weights import Array

_MODES = {"zero": "constant", "reflect": "reflect", "edge": "replicate"}


class TorchOps(Ops):
    against = f"PyTorch {torch.__version__.partition('+')[0]}"

    def conv(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        pads: Pads = NO_PADS, groups: int = 1,
    ) -> Array:  # fmt: skip
        padded = self.pad(x, pads, "zero")
        return _back(
            functional.conv2d(_to(padded), _to(weight), _maybe(bias), stride, groups=groups)
        )

    def conv_transpose(
        self, x: Array, weight: Array, bias: Array | None = None, *, stride: int = 1,
        padding: int = 0, output_padding: int = 0,
    ) -> Array:  # fmt: skip
        return _back(
            functional.conv_transpose2d(
                _to(x), _to(weight), _maybe(bias), stride, padding, output_padding
            )
        )

    def pad(self, x: Array, pads: Pads, mode: PadMode) -> Array:
        top, left, bottom, right = pads
        if not any(pads):
            return x
        return _back(functional.pad(_to(x), (left, right, top, bottom), mode=_MODES[mode]))

    def instance_norm(
        self, x: Array, gamma: Array | None, beta: Array | None, epsilon: float
    ) -> Array:
        if x.shape[2:] == (1, 1):
            # PyTorch refuses to train on one value; its formula gives beta.
            zero = np.zeros_like(x)
            return zero if beta is None else zero + beta.reshape(1, -1, 1, 1)
        return _back(
            functional.instance_norm(_to(x), None, None, _maybe(gamma), _maybe(beta), eps=epsilon)
        )

    def batch_norm(
        self, x: Array, mean: Array, variance: Array, gamma: Array | None, beta: Array | None,
        epsilon: float,
    ) -> Array:  # fmt: skip
        return _back(
            functional.batch_norm(
                _to(x), _to(mean), _to(variance), _maybe(gamma), _maybe(beta), eps=epsilon
            )
        )

    def linear(self, x: Array, weight: Array, bias: Array | None = None) -> Array:
        return _back(functional.linear(_to(x), _to(weight), _maybe(bias)))

    def relu(self, x: Array) -> Array:
        return _back(functional.relu(_to(x)))

    def leaky_relu(self, x: Array, slope: float) -> Array:
        return _back(functional.leaky_relu(_to(x), slope))

    def prelu(self, x: Array, slope: Array) -> Array:
        return _back(functional.prelu(_to(x), _to(slope.reshape(-1))))

    def elu(self, x: Array) -> Array:
        return _back(functional.elu(_to(x)))

    def tanh(self, x: Array) -> Array:
        return _back(torch.tanh(_to(x)))

    def sigmoid(self, x: Array) -> Array:
        return _back(torch.sigmoid(_to(x)))

    def max_pool(self, x: Array, kernel: int, stride: int, pads: Pads = NO_PADS) -> Array:
        top, left, bottom, right = pads
        padded = functional.pad(_to(x), (left, right, top, bottom), value=-np.inf)
        return _back(functional.max_pool2d(padded, kernel, stride))

    def nearest(self, x: Array, factor: int) -> Array:
        return _back(functional.interpolate(_to(x), scale_factor=factor, mode="nearest"))

    def pixel_shuffle(self, x: Array, block: int) -> Array:
        return _back(functional.pixel_shuffle(_to(x), block))

    def depth_to_space(self, x: Array, block: int) -> Array:
        _, channels, height, width = x.shape
        parts = _to(x).reshape(1, block * block, channels // block**2, height, width)
        return _back(
            functional.pixel_shuffle(
                parts.transpose(1, 2).reshape(1, channels, height, width), block
            )
        )


def _to(x: Array) -> Any:
    return torch.from_numpy(np.array(x, np.float32))


def _maybe(x: Array | None) -> Any:
    return None if x is None else _to(x)


def _back(x: Any) -> Array:
    found: Array = x.detach().numpy()
    return found
