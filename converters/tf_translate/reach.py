"""How far each pixel of a result looks into the frame, so that a frame can be run in tiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import onnx
from onnx import helper, numpy_helper

from converters.graph import NetworkGraph
from converters.tf_translate.context import FRAME

_POINTWISE = {
    "Abs", "Add", "Clip", "Concat", "Div", "Elu", "Exp", "LeakyRelu", "Log", "Max", "Min", "Mul",
    "Neg", "Pow", "PRelu", "Reciprocal", "Relu", "Selu", "Sigmoid", "Softplus", "Sqrt", "Sub",
    "Tanh",
}  # fmt: skip
_WINDOWS = {"Conv", "MaxPool", "AveragePool"}
_MOST = 4096
_Seen = tuple[Fraction, Fraction]
"""Pixels of a value for each pixel of the frame, and how far it looks, in pixels of the frame."""


def reach(graph: NetworkGraph, result: str) -> int | None:
    """Pixels of the frame to every side, at most; nothing where every pixel of the result may see
    the whole frame, or what is done depends on where in the frame it is."""
    constants = {tensor.name: tensor for tensor in graph.initializers}
    seen: dict[str, _Seen] = {FRAME: (Fraction(1), Fraction(0))}
    for node in graph.nodes:
        taken = [seen[name] for name in node.input if name in seen]
        local = all(name in seen or name in constants or not name for name in node.input)
        found = _through(node, taken, constants) if local and taken else None
        if found is not None:
            seen[node.output[0]] = found
    if result not in seen:
        return None
    pixels = ceil(seen[result][1])
    return pixels if pixels <= _MOST else None


def _through(
    node: onnx.NodeProto, taken: Sequence[_Seen], constants: Mapping[str, onnx.TensorProto]
) -> _Seen | None:
    attr = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    scale, far = taken[0][0], max(each[1] for each in taken)
    if any(each[0] != scale for each in taken):
        return None
    fixed = [constants[name] for name in node.input if name in constants]
    if node.op_type in _POINTWISE:
        same = all(side == 1 for tensor in fixed for side in tensor.dims[-2:])
        return (scale, far) if same and attr.get("axis", 1) == 1 else None
    if node.op_type in _WINDOWS:
        strides = attr.get("strides", [1, 1])
        if strides[0] != strides[1]:
            return None
        return scale / strides[0], far + _window(attr) / scale
    if node.op_type == "ConvTranspose":
        strides, kernel, pads = attr["strides"], attr["kernel_shape"], attr["pads"]
        if strides[0] != strides[1]:
            return None
        most = max(max(pads[i], kernel[i] - 1 - pads[i]) for i in (0, 1))
        return scale * strides[0], far + (Fraction(most, strides[0]) + 1) / scale
    if node.op_type == "DepthToSpace":
        return scale * attr["blocksize"], far + 1 / scale
    if node.op_type == "SpaceToDepth":
        return scale / attr["blocksize"], far + attr["blocksize"] / scale
    if node.op_type == "Resize":
        return _resized(attr, fixed, scale, far)
    if node.op_type == "Pad":
        widths = numpy_helper.to_array(fixed[0])
        return scale, far + int(widths.max()) / scale
    if node.op_type == "Slice":
        axes = numpy_helper.to_array(fixed[2])
        return (scale, far) if axes.tolist() == [1] else None
    return None


def _window(attr: Mapping[str, Any]) -> int:
    """Of a convolution or pooling, to the farther side."""
    pads = attr.get("pads", [0, 0, 0, 0])
    dilations = attr.get("dilations", [1, 1])
    spans = [(side - 1) * wide for side, wide in zip(attr["kernel_shape"], dilations, strict=True)]
    # The result's pixel i stands at i * stride, wherever in its window that is.
    return int(max(max(pads[i], spans[i] - pads[i]) for i in (0, 1)))


def _resized(
    attr: Mapping[str, Any], fixed: Sequence[onnx.TensorProto], scale: Fraction, far: Fraction
) -> _Seen | None:
    factors = numpy_helper.to_array(fixed[0])
    if attr.get("coordinate_transformation_mode") == b"align_corners" or factors.dtype.kind != "f":
        return None
    if factors[2] != factors[3]:
        return None
    factor = Fraction(float(factors[2])).limit_denominator(64)
    return scale * factor, far + (1 + 1 / min(factor, Fraction(1))) / scale
