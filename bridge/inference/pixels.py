"""Composes a model's core graph with the work between a frame's bytes and its tensor.

Every move of data stays in uint8, and a final DepthToSpace of the core is replaced by the same
move on bytes, because moving bytes costs a quarter of moving floats (docs/architecture.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from bridge.errors import GraphMismatchError
from bridge.frames import FrameFormat
from bridge.inference.graph_builder import PREFIX, GraphBuilder
from bridge.inference.manifest import FrameInput, FrameOutput, Manifest
from bridge.inference.package import IR_VERSION_MAX
from bridge.inference.placement import Placement, place

FRAME_IN = PREFIX + "frame"
FRAME_OUT = PREFIX + "result"
SUM_OUT = PREFIX + "sum"

# BT.601 on 0..255 RGB, as the super-resolution literature uses it: weights of R, G, B and offset.
LUMA = {
    "studio": (np.array([65.738, 129.057, 25.064]) / 256, 16.0),
    "full": (np.array([0.299, 0.587, 0.114]), 0.0),
}
_PAD_MODES = {"reflect": "reflect", "edge": "edge", "zero": "constant"}


@dataclass(frozen=True, slots=True)
class ComposedGraph:
    """A core graph between two frames.

    Attributes:
        model: serialized; takes FRAME_IN uint8 (H, W, 4) and the package's parameters, gives
            FRAME_OUT uint8 (H', W', 4) and SUM_OUT float32 (1), the sum of the core's output:
            rounding to bytes turns NaN into 0 and infinity into 255, and only the sum tells.
        source: contract of the input.
        result: contract of the output.
        form: "bytes" where the core's last DepthToSpace was replaced by a move of bytes, else
            "plain".
    """

    model: bytes
    source: FrameFormat
    result: FrameFormat
    form: str


def compose(
    core: onnx.ModelProto, manifest: Manifest, source: FrameFormat, *, plain: bool = False
) -> ComposedGraph:
    """The graph that maps frames of the contract `source` to frames of the same contract.

    Args:
        core: float (1, C, H, W) to float (1, C, H * scale, W * scale); not changed.
        plain: leave the core as it is, to have something to compare with.
    Raises: FrameFormatError, UnsupportedModelError, GraphMismatchError.
    """
    placement = place(manifest, source.width, source.height)
    result = source.resized(*placement.output)
    port_in, port_out = manifest.frame_input, manifest.frame_output
    assert port_in is not None  # place() has checked
    assert port_out is not None

    shuffle = None if plain else _final_shuffle(core, port_out, placement)
    build = GraphBuilder()
    planes = _planes(build, source, placement)
    rgb = _colour_planes(build, planes, source)
    _frame_to_tensor(build, rgb, port_in, placement)
    split = len(build.nodes)
    if shuffle is None:
        colour = _tensor_to_planes(build, rgb, port_in, port_out, placement)
        alpha = _alpha_planes(build, planes, source, placement, port_out.scale)
        picture = _interleave(build, colour, alpha, source)
    else:
        picture = _shuffled_bytes(build, shuffle, planes, source, port_out, placement)
    if source.rows == "bottom_first":
        picture = build.reversed(picture, 0)
    build.add("Identity", [picture], FRAME_OUT)
    made = port_out.name if shuffle is None else shuffle.node.input[0]
    total = build.add("ReduceSum", [made], keepdims=0)
    build.add("Reshape", [total, build.constant([1], np.int64)], SUM_OUT)

    model = _join(core, build, split, source, result, (port_in, port_out), shuffle)
    return ComposedGraph(
        model.SerializeToString(), source, result, "plain" if shuffle is None else "bytes"
    )


# From the frame to the core's input.


def _planes(build: GraphBuilder, source: FrameFormat, placement: Placement) -> str:
    """uint8 (4, h, w), top row first, cropped; channels still in the frame's own order."""
    value = FRAME_IN
    if source.rows == "bottom_first":
        value = build.reversed(value, 0)
    x, y, width, height = placement.crop
    if (width, height) != (source.width, source.height):
        value = build.slice(value, [y, x], [y + height, x + width], [0, 1])
    return build.transpose(value, [2, 0, 1])


def _colour_planes(build: GraphBuilder, planes: str, source: FrameFormat) -> str:
    """uint8 (1, 3, h, w), RGB."""
    if source.pixel_format == "bgra8":
        rgb = build.slice(planes, [2], [np.iinfo(np.int64).min], [0], [-1])
    else:
        rgb = build.slice(planes, [0], [3], [0])
    return build.add("Unsqueeze", [rgb, build.constant([0], np.int64)])


def _frame_to_tensor(build: GraphBuilder, rgb: str, port: FrameInput, placement: Placement) -> None:
    """Adds the nodes that make the core's input `port.name` of uint8 (1, 3, h, w)."""
    low, high = port.range
    mode = _PAD_MODES[port.size.padding if port.size.fixed is None else "zero"]
    resized = placement.resized != placement.crop[2:]
    if any(placement.pad) and not resized:
        rgb = build.pad(rgb, _onnx_pads(placement), mode)
    if port.channels == "Y":
        luma = _luma(build, build.dequantize(rgb, 1.0), port)
        value = build.affine(luma, (high - low) / 255, low)
    else:
        value = build.affine(build.dequantize(rgb, (high - low) / 255), 1, low)
    if resized:
        channels = 1 if port.channels == "Y" else 3
        value = _shrunk(build, value, placement.crop[2:], placement.resized, channels)
        if any(placement.pad):
            # What surrounds the frame is black, and the luma of black need not be 0.
            offset = LUMA[port.luma][1] if port.channels == "Y" else 0.0
            black = low + (high - low) / 255 * offset
            value = build.affine(value, 1, -black)
            value = build.affine(build.pad(value, _onnx_pads(placement), mode), 1, black)
    build.add("Identity", [value], port.name)


def _onnx_pads(placement: Placement) -> list[int]:
    left, top, right, bottom = placement.pad
    return [0, 0, top, left, 0, 0, bottom, right]


def _shrunk(
    build: GraphBuilder, value: str, size: tuple[int, ...], to: tuple[int, int], channels: int
) -> str:
    """Resized with whole-number averaging first, so that fine detail does not alias."""
    factors = [max(1, side // wanted) for side, wanted in zip(size, to, strict=True)]
    if factors != [1, 1]:
        kernel = factors[::-1]
        value = build.add("AveragePool", [value], kernel_shape=kernel, strides=kernel)
    return build.resize_linear(value, to[1], to[0], channels)


def _luma(build: GraphBuilder, rgb_255: str, port: FrameInput | FrameOutput) -> str:
    """Y (1, 1, h, w), 0 to 255, of RGB (1, 3, h, w), 0 to 255."""
    weights, offset = LUMA[port.luma]
    kernel = build.constant(weights.reshape(1, 3, 1, 1), np.float32)
    return build.add("Conv", [rgb_255, kernel, build.constant([offset], np.float32)])


# From the core's output to the frame.


def _tensor_to_planes(
    build: GraphBuilder, rgb: str, port_in: FrameInput, port: FrameOutput, placement: Placement
) -> str:
    """uint8 (1, 3, H, W), RGB, of the core's output."""
    low, high = port.range
    value = build.affine(port.name, 1, -low)
    x, y, width, height = placement.kept
    if placement.kept[2:] != _model_output(placement, port.scale):
        value = build.slice(value, [y, x], [y + height, x + width], [2, 3])
    channels = 1 if port.channels == "Y" else 3
    if (width, height) != placement.output:
        value = build.resize_linear(value, placement.output[1], placement.output[0], channels)
    if port.channels == "RGB":
        return build.quantize(value, (high - low) / 255)
    # Only brightness is the model's: the colour is the frame's own. A change of Y at constant
    # Cb and Cr adds the same amount to R, G and B.
    colour = build.dequantize(rgb, 1.0)
    if placement.output != placement.crop[2:]:
        colour = build.resize_linear(colour, placement.output[1], placement.output[0], 3)
    weights, _ = LUMA[port.luma]
    change = build.add(
        "Sub", [build.affine(value, 255 / (high - low), 0), _luma(build, colour, port)]
    )
    change = build.affine(change, float(1 / weights.sum()), 0)
    return build.quantize(build.add("Add", [colour, change]), 1.0)


def _alpha_planes(
    build: GraphBuilder, planes: str, source: FrameFormat, placement: Placement, scale: int
) -> str:
    """uint8 (1, H, W): the frame's own alpha at the result's size, or 255."""
    width, height = placement.output
    if source.alpha == "opaque":
        return build.constant(np.full((1, height, width), 255), np.uint8)
    alpha = build.slice(planes, [3], [4], [0])
    if placement.output == placement.crop[2:]:
        return alpha
    alpha = build.add("Unsqueeze", [alpha, build.constant([0], np.int64)])
    alpha = build.resize_linear(build.dequantize(alpha, 1.0), height, width, 1)
    return build.add("Squeeze", [build.quantize(alpha, 1.0), build.constant([0], np.int64)])


def _interleave(build: GraphBuilder, colour: str, alpha: str, source: FrameFormat) -> str:
    """uint8 (H, W, 4) of uint8 (1, 3, H, W) and (1, H, W)."""
    colour = build.add("Squeeze", [colour, build.constant([0], np.int64)])
    if source.pixel_format == "bgra8":
        colour = build.reversed(colour, 0)
    return build.transpose(build.concat([colour, alpha], 0), [1, 2, 0])


# The same with the core's last DepthToSpace as a move of bytes.


@dataclass(frozen=True, slots=True)
class _Shuffle:
    node: onnx.NodeProto
    block: int
    channels_first: bool


def _final_shuffle(
    core: onnx.ModelProto, port: FrameOutput, placement: Placement
) -> _Shuffle | None:
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
    return _Shuffle(makers[0], block, attributes.get("mode", b"DCR") == b"CRD")


def _shuffled_bytes(
    build: GraphBuilder,
    shuffle: _Shuffle,
    planes: str,
    source: FrameFormat,
    port: FrameOutput,
    placement: Placement,
) -> str:
    """uint8 (H, W, 4), made of the (1, 3 * s * s, h, w) that the core's DepthToSpace would take."""
    low, high = port.range
    s = shuffle.block
    width, height = placement.model
    value = build.quantize(build.affine(shuffle.node.input[0], 1, -low), (high - low) / 255)
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
    alpha = build.slice(planes, [3], [4], [0])
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


def _model_output(placement: Placement, scale: int) -> tuple[int, int]:
    return placement.model[0] * scale, placement.model[1] * scale


# The whole.


def _join(
    core: onnx.ModelProto,
    build: GraphBuilder,
    split: int,
    source: FrameFormat,
    result: FrameFormat,
    ports: tuple[FrameInput, FrameOutput],
    shuffle: _Shuffle | None,
) -> onnx.ModelProto:
    """One model: our nodes, the core's, our nodes. The names of the core stay as they are."""
    _check_names(core)
    joined = onnx.ModelProto()
    joined.CopyFrom(core)
    graph = joined.graph
    kept = [node for node in core.graph.node if shuffle is None or node is not shuffle.node]
    del graph.node[:], graph.input[:], graph.output[:], graph.value_info[:]
    graph.node.extend([*build.nodes[:split], *kept, *build.nodes[split:]])
    graph.initializer.extend(build.initializers)
    graph.input.append(helper.make_tensor_value_info(FRAME_IN, TensorProto.UINT8, source.shape))
    graph.input.extend(v for v in core.graph.input if v.name != ports[0].name)
    graph.output.append(helper.make_tensor_value_info(FRAME_OUT, TensorProto.UINT8, result.shape))
    graph.output.append(helper.make_tensor_value_info(SUM_OUT, TensorProto.FLOAT, [1]))
    joined.ir_version = min(core.ir_version, IR_VERSION_MAX)
    return joined


def _check_names(core: onnx.ModelProto) -> None:
    names = [name for node in core.graph.node for name in (*node.input, *node.output)]
    clash = next((name for name in names if name.startswith(PREFIX)), None)
    if clash is not None:
        raise GraphMismatchError(
            core.graph.name or "graph", f"names that do not begin with {PREFIX!r}", repr(clash),
            "Rename the tensor.",
        )  # fmt: skip
