"""Weights of half the size: float16 in the file, float32 wherever they are calculated with.

ONNX Runtime and OpenVINO fold the Cast when they load the graph, so it runs as fast as before;
only the file, and the download, are smaller.
"""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LEAST_ELEMENTS = 257
"""Of weights that are worth a node of their own."""
_LARGEST = float(np.finfo(np.float16).max)
_SUFFIX = "/float16"


def with_half_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy with its large float32 weights stored as float16, each followed by a Cast to float32.

    Biases, slopes and norms stay as they are: whatever has one side longer than 1, or fewer than
    `LEAST_ELEMENTS` elements.
    Args:
        model: with its values inside; external data is not followed.
    Raises: ValueError: a weight is not finite, or too large for float16.
    Guarantees: the names that nodes read stay the same; `model` is not changed. Done twice it
        changes nothing more.
    """
    half = onnx.ModelProto()
    half.CopyFrom(model)
    inputs = {port.name for port in half.graph.input}
    casts = []
    for tensor in half.graph.initializer:
        if tensor.name in inputs or not _is_large(tensor):
            continue
        name = tensor.name
        tensor.CopyFrom(_halved(tensor))
        casts.append(
            helper.make_node("Cast", [tensor.name], [name], f"{name}/Cast", to=TensorProto.FLOAT)
        )
    nodes = [*casts, *half.graph.node]
    del half.graph.node[:]
    half.graph.node.extend(nodes)
    return half


def _is_large(tensor: TensorProto) -> bool:
    long_sides = [side for side in tensor.dims if side > 1]
    return (
        tensor.data_type == TensorProto.FLOAT
        and len(long_sides) > 1
        and math.prod(tensor.dims) >= LEAST_ELEMENTS
    )


def _halved(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    largest = float(np.abs(values).max(initial=0))
    if not largest <= _LARGEST:
        raise ValueError(
            f"{tensor.name}: values up to {largest:g}, where float16 ends at {_LARGEST:g}"
        )
    return numpy_helper.from_array(values.astype(np.float16), tensor.name + _SUFFIX)
