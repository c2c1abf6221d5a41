"""A core's last DepthToSpace as a move of bytes, which costs a quarter of moving floats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from bridge.frames import FrameFormat
from bridge.inference.graph_builder import GraphBuilder
from bridge.inference.manifest import FrameOutput
from bridge.inference.placement import Placement
from bridge.inference.transfer import bytes_of_values


@dataclass(frozen=True, slots=True)
class Shuffle:
    """The node that is taken off a core.

    Attributes:
        block: how many times wider and higher the picture becomes.
        channels_first: mode CRD, in which the colours are the outer channels; otherwise DCR.
    """

    node: onnx.NodeProto
    block: int
    channels_first: bool


def final_shuffle(core: onnx.ModelProto, port: FrameOutput, placement: Placement) -> Shuffle | None:
    """The DepthToSpace that makes the core's output, when it can be moved behind the rounding."""
    if port.channels != "RGB" or placement.kept != (0, 0, *placement.output):
        return None
    makers = [node for node in core.graph.node if port.name in node.output]
    readers = [node for node in core.graph.node if port.name in node.input]
    if len(makers) != 1 or makers[0].op_type != "DepthToSpace" or readers:
        return None
    attributes = {a.name: helper.get_attribute_value(a) for a in makers[0].attribute}
    block = attributes.get("blocksize")
    if block != port.scale:
        return None
    return Shuffle(makers[0], block, attributes.get("mode", b"DCR") == b"CRD")


def shuffled_bytes(
    build: GraphBuilder,
    shuffle: Shuffle,
    planes: str,
    source: FrameFormat,
    port: FrameOutput,
    placement: Placement,
) -> str:
    """uint8 (H, W, 4), made of the (1, 3 * s * s, h, w) that the core's DepthToSpace would take."""
    low, high = port.range
    s = shuffle.block
    width, height = placement.model
    value = build.affine(shuffle.node.input[0], 1, -low)
    value = bytes_of_values(build, value, source.transfer, factor=high - low)
    if shuffle.channels_first:
        value = build.transpose(build.reshape(value, [3, s, s, height, width]), [1, 2, 0, 3, 4])
    else:
        value = build.reshape(value, [s, s, 3, height, width])
    if source.pixel_format == "bgra8":
        value = build.reversed(value, 2)
    alpha = _alpha_phases(build, planes, source, placement, s)
    value = build.concat([value, alpha], 2)
    # One transpose for each row phase and a join of rows: a single transpose of five axes
    # walks memory in steps of one byte.
    lines = []
    for i in range(s):
        phase = build.reshape(build.slice(value, [i], [i + 1], [0]), [s * 4, height * width])
        lines.append(build.reshape(build.transpose(phase, [1, 0]), [height, 1, width * s * 4]))
    picture = build.reshape(build.concat(lines, 1), [height * s, width * s, 4])
    if (width * s, height * s) != placement.output:
        picture = build.slice(picture, [0, 0], list(placement.output[::-1]), [0, 1])
    return picture


def _alpha_phases(
    build: GraphBuilder, planes: str, source: FrameFormat, placement: Placement, s: int
) -> str:
    """uint8 (s, s, 1, h, w): linear interpolation of alpha, one plane for each sub-pixel."""
    width, height = placement.model
    if source.alpha == "opaque":
        return build.constant(np.full((s, s, 1, height, width), 255), np.uint8)
    alpha = build.gather(planes, [3], 0)
    _, _, right, bottom = placement.pad
    alpha = build.reshape(alpha, [1, 1, height - bottom, width - right])
    alpha = build.pad(alpha, [0, 0, 1, 1, 0, 0, bottom + 1, right + 1], "edge")
    taps = np.zeros((s, 3))
    for i in range(s):
        offset = (i + 0.5) / s - 0.5
        taps[i, 1] = 1 - abs(offset)
        taps[i, 0 if offset < 0 else 2] += abs(offset)
    kernel = np.einsum("iy,jx->ijyx", taps, taps).reshape(s * s, 1, 3, 3)
    # Not DequantizeLinear: between that and QuantizeLinear, ONNX Runtime rounds the weights of a
    # convolution to int8.
    alpha = build.add("Cast", [alpha], to=TensorProto.FLOAT)
    phases = build.add("Conv", [alpha, build.constant(kernel, np.float32)])
    return build.reshape(build.quantize(phases, 1.0), [s, s, 1, height, width])
