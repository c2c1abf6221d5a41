"""MobileNetV2 as the backbone of DeblurGAN-v2: five stages of `features`, to a 32nd of the size.

Source, read: `models/mobilenet_v2.py` and `models/fpn_mobilenet.py` in valgur/DeblurGANv2, a fork
of KupynOrest/DeblurGANv2, whose own were not to be had. Batch norms take the statistics of the
picture (the original predicts in training mode), epsilon 1e-5. `features.16` to `18` are in the
file and not in use.
"""

from __future__ import annotations

import numpy as np

from converters.architectures.deblurgan_v2_names import Stored
from converters.architectures.deblurgan_v2_norm import picture_norm
from converters.graph import NetworkGraph
from converters.references.ops import Ops
from converters.weights import Array

SLICES = ((0, 2), (2, 4), (4, 7), (7, 11), (11, 16))
"""Which `features` a stage has: from the first to before the last."""
STAGES = {
    f"features.{index}": f"enc{stage}.{index - first}"
    for stage, (first, last) in enumerate(SLICES)
    for index in range(first, last)
}
_HALVING = (0, 2, 4, 7, 14)
"""The `features` of stride 2."""
_EPSILON = 1e-5


def build(graph: NetworkGraph, stored: Stored, x: str) -> list[tuple[str, int]]:
    """The results of the stages and their channels. Raises: NetworkError."""
    channels, made = 3, []
    for first, last in SLICES:
        for index in range(first, last):
            if index == 0:
                x, channels = _step(graph, stored, x, channels, "features.0.0", 3, stride=2)
                x = graph.clip(x, 0, 6)
            else:
                x, channels = _block(graph, stored, x, channels, index)
        made.append((x, channels))
    return made


def _block(
    graph: NetworkGraph, stored: Stored, x: str, channels: int, index: int
) -> tuple[str, int]:
    """An inverted residual: wider, each channel by itself, narrower."""
    stride = 2 if index in _HALVING else 1
    name, at, y, inside = f"features.{index}.conv", 0, x, channels
    if stored.find(f"{name}.6.weight") is not None:
        y, inside = _step(graph, stored, x, channels, f"{name}.0", 1)
        y, at = graph.clip(y, 0, 6), 3
    y, inside = _step(graph, stored, y, inside, f"{name}.{at}", 3, stride=stride, each=True)
    y = graph.clip(y, 0, 6)
    y, outside = _step(graph, stored, y, inside, f"{name}.{at + 3}", 1)
    return (graph.sum(x, y) if stride == 1 and outside == channels else y), outside


def _step(
    graph: NetworkGraph, stored: Stored, x: str, channels: int, name: str, side: int, *,
    stride: int = 1, each: bool = False,
) -> tuple[str, int]:  # fmt: skip
    """A convolution and its norm, which stands next in its `Sequential`."""
    if each:
        kernel = stored.kernel(f"{name}.weight", 1, (side, side), channels)
    else:
        kernel = stored.kernel(f"{name}.weight", channels, (side, side))
    outside, groups = kernel.shape[0], channels if each else 1
    x = graph.conv(x, kernel, stride=stride, pads=(side // 2,) * 4, groups=groups)
    norm = _next(name)
    gamma, beta = (stored.vector(f"{norm}.{part}", outside) for part in ("weight", "bias"))
    return picture_norm(graph, x, gamma, beta, _EPSILON), outside


def _next(name: str) -> str:
    parent, _, index = name.rpartition(".")
    return f"{parent}.{int(index) + 1}"


def reference(ops: Ops, stored: Stored, x: Array) -> list[Array]:
    """The same, with the statistics of each map calculated first and given to a batch norm."""

    def get(name: str) -> Array:
        array = stored.find(name)
        assert array is not None
        return array

    def normed(x: Array, name: str) -> Array:
        maps = x[0].reshape(x.shape[1], -1).astype(np.float64)
        mean, variance = maps.mean(1), maps.var(1)
        return ops.batch_norm(
            x, mean, variance, get(f"{name}.weight"), get(f"{name}.bias"), _EPSILON
        )

    def relu6(x: Array) -> Array:
        return ops.clip(x, 0, 6)

    results = []
    x = ops.conv(x, get("features.0.0.weight"), stride=2, pads=(1, 1, 1, 1))
    x = relu6(normed(x, "features.0.1"))
    strides = [1, *(2, 1), *(2, 1, 1), *(2, 1, 1, 1), *(1, 1, 1), *(2, 1)]
    for index, stride in enumerate(strides, start=1):
        conv, y, pads = f"features.{index}.conv", x, (1, 1, 1, 1)
        expands = stored.find(f"{conv}.7.weight") is not None
        if expands:
            y = relu6(normed(ops.conv(y, get(f"{conv}.0.weight")), f"{conv}.1"))
        depthwise, pointwise = (3, 6) if expands else (0, 3)
        groups = y.shape[1]
        y = ops.conv(y, get(f"{conv}.{depthwise}.weight"), stride=stride, pads=pads, groups=groups)
        y = relu6(normed(y, f"{conv}.{depthwise + 1}"))
        y = normed(ops.conv(y, get(f"{conv}.{pointwise}.weight")), f"{conv}.{pointwise + 1}")
        x = x + y if y.shape == x.shape else y
        if index in (1, 3, 6, 10, 15):
            results.append(x)
    return results
