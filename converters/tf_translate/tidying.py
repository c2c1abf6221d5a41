"""Leaves out of a translated graph what nothing needs, and says PReLU in one operation.

TensorFlow's graphs have no PReLU. They spell it relu(x) + slope * (x - |x|) / 2, or, as Keras does,
relu(x) - slope * relu(-x): up to six operations, each over the whole picture.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx
from onnx import numpy_helper

from converters.graph import NetworkGraph
from converters.weights import Array

_MOST_FACTORS = 6


def tidy(graph: NetworkGraph, result: str) -> None:
    """Changes the graph in place; `result` and what it is stay."""
    _fold_prelu(graph)
    _drop_unused(graph, result)


def _fold_prelu(graph: NetworkGraph) -> None:
    makers = {node.output[0]: node for node in graph.nodes}
    small = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in graph.initializers
        if len(tensor.dims) in (0, 4) and tensor.data_type == onnx.TensorProto.FLOAT
    }
    for node in graph.nodes:
        if node.op_type != "Add":
            continue
        for above, below in (tuple(node.input), tuple(reversed(node.input))):
            relu = makers.get(above)
            if relu is None or relu.op_type != "Relu":
                continue
            slope = _slope(below, relu.input[0], makers, small)
            if slope is not None:
                name = graph.constant(slope.reshape(-1, 1, 1), np.float32)
                node.op_type = "PRelu"
                node.input[:] = [relu.input[0], name]
                break


def _slope(
    name: str, x: str, makers: Mapping[str, onnx.NodeProto], constants: Mapping[str, Array]
) -> Array | None:
    """What `name` is of min(x, 0), where it is a multiple of it, one for all or one a channel."""
    factor: Array = np.ones((1, 1, 1, 1), np.float64)
    for _ in range(_MOST_FACTORS):
        node = makers.get(name)
        if node is None:
            return None
        found = _times_minimum(node, x, makers)
        if found is not None:
            height, width = factor.shape[2:]
            return factor * found if (factor.shape[0], height, width) == (1, 1, 1) else None
        if node.op_type == "Neg":
            factor, name = -factor, node.input[0]
            continue
        if node.op_type != "Mul":
            return None
        known = [constants[each] for each in node.input if each in constants]
        others = [each for each in node.input if each not in constants]
        if len(known) != 1 or len(others) != 1:
            return None
        factor, name = factor * known[0].astype(np.float64), others[0]
    return None


def _times_minimum(
    node: onnx.NodeProto, x: str, makers: Mapping[str, onnx.NodeProto]
) -> float | None:
    """How many times min(x, 0) a node is."""
    if node.op_type == "Sub" and node.input[0] == x:
        taken = makers.get(node.input[1])
        # x - |x|
        return 2.0 if taken and taken.op_type == "Abs" and taken.input[0] == x else None
    if node.op_type == "Relu":
        taken = makers.get(node.input[0])
        # relu(-x)
        return -1.0 if taken and taken.op_type == "Neg" and taken.input[0] == x else None
    return None


def _drop_unused(graph: NetworkGraph, result: str) -> None:
    used = {result}
    kept = []
    for node in reversed(graph.nodes):
        if used.intersection(node.output):
            used.update(node.input)
            kept.append(node)
    graph.nodes[:] = reversed(kept)
    graph.initializers[:] = [tensor for tensor in graph.initializers if tensor.name in used]
