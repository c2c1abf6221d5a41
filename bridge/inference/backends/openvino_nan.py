"""Rewrites a graph so that OpenVINO lets NaN through, as ONNX Runtime does and ONNX implies.

OpenVINO calculates Relu, Clip and their like as max(x, limit) with the processor's instruction
that answers the limit for NaN: a broken model would give a clean picture. Each such node gets a
trace of its input added that is far below any float's last bit in a picture, and NaN for NaN.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

PREFIX = "framebridge/nan/"
SWALLOWING = ("Celu", "Clip", "HardSigmoid", "Max", "Min", "ReduceMax", "ReduceMin", "Relu")
_TRACE = {TensorProto.FLOAT: 1e-20, TensorProto.DOUBLE: 1e-20, TensorProto.FLOAT16: 1e-7}
"""Of the types that know NaN: what tanh of the input, at most 1, is multiplied by."""


def let_nan_through(model: bytes) -> bytes:
    """The same graph with a trace of its input on every node that would swallow NaN.

    Bodies of If, Loop and Scan stay as they are. Guarantees: finite results stay within 1e-7.
    """
    loaded = onnx.load_model_from_string(model)
    if not any(node.op_type in SWALLOWING for node in loaded.graph.node):
        return model
    graph = loaded.graph
    types = _types(loaded)
    constants = {tensor.name for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        type_ = types.get(node.output[0], 0) if node.output else 0
        if node.domain or node.op_type not in SWALLOWING or type_ not in _TRACE:
            nodes.append(node)
        elif node.op_type == "Relu":
            # A slope that nothing sees, because it costs less: a convolution takes it in.
            alpha = _TRACE[type_]
            nodes.append(
                helper.make_node("LeakyRelu", node.input, node.output, node.name, alpha=alpha)
            )
        else:
            nodes += _traced(node, constants, type_)
    for type_, trace in _TRACE.items():
        dtype = helper.tensor_dtype_to_np_dtype(type_)
        tensor = numpy_helper.from_array(np.array(trace, dtype), f"{PREFIX}{type_}")
        graph.initializer.append(tensor)
    del graph.node[:]
    graph.node.extend(nodes)
    changed: bytes = loaded.SerializeToString()
    return changed


def _traced(node: onnx.NodeProto, constants: set[str], type_: int) -> Iterator[onnx.NodeProto]:
    name = PREFIX + node.output[0]
    bare = onnx.NodeProto()
    bare.CopyFrom(node)
    bare.output[0] = made = f"{name}/bare"
    yield bare
    # Of the limits of Clip, and the axes of a reduction, nothing is traced.
    sources = (
        [i for i in node.input if i not in constants] if node.op_type in ("Max", "Min") else []
    )
    for index, source in enumerate(sources or node.input[:1]):
        step = f"{name}/{index}"
        if node.op_type.startswith("Reduce"):
            mean = onnx.NodeProto()
            mean.CopyFrom(node)
            mean.op_type, mean.name, mean.output[0] = "ReduceMean", f"{step}/mean", f"{step}/mean"
            yield mean
            source = f"{step}/mean"
        # Its tanh, because infinity, which a limit rightly ends, must not become NaN.
        yield helper.make_node("Tanh", [source], [f"{step}/tanh"])
        yield helper.make_node("Mul", [f"{step}/tanh", f"{PREFIX}{type_}"], [f"{step}/trace"])
        added = f"{step}/added"
        yield helper.make_node("Add", [made, f"{step}/trace"], [added])
        made = added
    yield helper.make_node("Identity", [made], [node.output[0]])


def _types(model: onnx.ModelProto) -> dict[str, int]:
    """Element type of every value whose type can be told."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value.type.tensor_type.elem_type for value in values}
