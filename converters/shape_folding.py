"""Sizes that a graph calculates of the size of its frame, calculated."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from converters.weights import Array

_ARITHMETIC = {
    "Add", "Sub", "Mul", "Div", "Mod", "Neg", "Max", "Min", "Cast", "Concat", "Gather", "Slice",
    "Squeeze", "Unsqueeze", "Identity",
}  # fmt: skip
_MOST_VALUES = 64


def fold_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The graph with its arithmetic on shapes replaced by constants, as far as its inputs' fixed
    sides tell. Inference of shapes stops at a Pad or a Slice whose bounds are calculated.

    Args:
        model: with inputs of fixed shape; is not changed.
    """
    shapes = {
        port.name: [dim.dim_value for dim in port.type.tensor_type.shape.dim]
        for port in model.graph.input
    }
    known: dict[str, Array] = {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in model.graph.initializer
        if tensor.data_type == TensorProto.INT64 and np.prod(tensor.dims) <= _MOST_VALUES
    }
    kept, made = [], []
    for node in model.graph.node:
        value = _value(node, shapes, known, model)
        if value is None:
            kept.append(node)
        else:
            known[node.output[0]] = value
            made.append(numpy_helper.from_array(value, node.output[0]))
    folded = onnx.ModelProto()
    folded.CopyFrom(model)
    del folded.graph.node[:]
    folded.graph.node.extend(kept)
    folded.graph.initializer.extend(made)
    return folded


def _value(
    node: NodeProto, shapes: dict[str, list[int]], known: dict[str, Array], model: onnx.ModelProto
) -> Array | None:
    if node.op_type == "Shape" and not node.attribute and all(shapes.get(node.input[0], ())):
        shape = shapes.get(node.input[0])
        return None if shape is None else np.array(shape, np.int64)
    given = [name for name in node.input if name]
    if node.op_type not in _ARITHMETIC or not given or any(name not in known for name in given):
        return None
    ports = [
        helper.make_tensor_value_info(name, TensorProto.INT64, known[name].shape) for name in given
    ]
    result = helper.make_tensor_value_info(node.output[0], TensorProto.INT64, None)
    one = helper.make_model(
        helper.make_graph([node], "one", ports, [result]), opset_imports=model.opset_import
    )
    (value,) = ReferenceEvaluator(one).run(None, {name: known[name] for name in given})
    array: Array = np.asarray(value)
    return array if array.dtype == np.int64 and array.size <= _MOST_VALUES else None
