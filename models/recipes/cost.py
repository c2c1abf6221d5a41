"""What a graph costs and how far one of its pixels looks, counted from its nodes."""

from __future__ import annotations

import math

import onnx
from onnx import NodeProto, TensorProto

from bridge.inference.manifest import Cost

PROBE_SIDE = 64
"""Pixels of each side of the frame that multiply-accumulates are counted on."""


def count_cost(model: onnx.ModelProto) -> Cost:
    """Parameters, and multiply-accumulates of all convolutions for each pixel of the first input.

    Args:
        model: convolutional, weights as initializers, first input (1, C, H, W).
    Raises: ValueError: a node multiplies matrices in a way that is not counted here.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    floats = (TensorProto.FLOAT, TensorProto.FLOAT16)
    parameters = sum(math.prod(t.dims) for t in weights.values() if t.data_type in floats)
    shapes = _shapes_at(model, PROBE_SIDE)
    macs = 0
    for node in model.graph.node:
        if node.op_type in ("Gemm", "MatMul"):
            raise ValueError(f"{node.name or node.op_type}: only convolutions are counted")
        if node.op_type in ("Conv", "ConvTranspose"):
            # The filter is met once by each output position, or input position if transposed.
            meets = node.output[0] if node.op_type == "Conv" else node.input[0]
            macs += math.prod(weights[node.input[1]].dims) * math.prod(shapes[meets][2:])
    return Cost(parameters=parameters, macs_per_input_pixel=round(macs / PROBE_SIDE**2))


def receptive_radius(model: onnx.ModelProto) -> int:
    """How many pixels to each side an output pixel depends on, at the input's resolution.

    Raises: ValueError: a node changes the resolution on the way, other than by DepthToSpace.
    """
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    radius = {model.graph.input[0].name: 0}
    for node in model.graph.node:
        inputs = [radius[name] for name in node.input if name in radius]
        reach = _reach(node, list(weights[node.input[1]].dims)) if node.op_type == "Conv" else 0
        radius[node.output[0]] = max(inputs, default=0) + reach
    return radius[model.graph.output[0].name]


def _reach(node: NodeProto, dims: list[int]) -> int:
    attributes = {a.name: list(a.ints) for a in node.attribute}
    if any(stride != 1 for stride in attributes.get("strides", [])):
        raise ValueError(f"{node.name}: a radius is counted for strides of 1 only")
    dilations = attributes.get("dilations", [1, 1])
    reaches: list[int] = [(side - 1) * d // 2 for side, d in zip(dims[2:], dilations, strict=True)]
    return max(reaches)


def _shapes_at(model: onnx.ModelProto, side: int) -> dict[str, list[int]]:
    """The shape of every tensor when the frame is `side` pixels wide and high."""
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for dim in value.type.tensor_type.shape.dim[2:]:
            dim.dim_value = side
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(fixed, strict_mode=True, data_prop=True).graph
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    return {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in values}
