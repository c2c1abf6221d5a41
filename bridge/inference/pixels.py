"""Composes a model's core graph with the work between a frame's bytes and its tensor.

Every move of data stays in uint8, and a final DepthToSpace of the core is replaced by the same
move on bytes, because moving bytes costs a quarter of moving floats (docs/architecture.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper

from bridge.errors import GraphMismatchError, UnsupportedModelError
from bridge.frames import FrameFormat
from bridge.inference.finite import Watched, watch
from bridge.inference.graph_builder import PREFIX, GraphBuilder
from bridge.inference.manifest import FrameInput, FrameOutput, Manifest
from bridge.inference.package import IR_VERSION_MAX
from bridge.inference.placement import Placement, place
from bridge.inference.shuffle import Shuffle, final_shuffle, shuffled_bytes
from bridge.inference.state import StatePort, state_ports
from bridge.inference.transfer import bytes_of_values, values_of_bytes

FRAME_IN = PREFIX + "frame"
FRAME_OUT = PREFIX + "result"
SUM_OUT = PREFIX + "sum"

# BT.601 on 0..255 RGB, as the super-resolution literature uses it: weights of R, G, B and offset.
LUMA = {
    "studio": (np.array([65.738, 129.057, 25.064]) / 256, 16.0),
    "full": (np.array([0.299, 0.587, 0.114]), 0.0),
}
# Where R, G and B are among a frame's channels. Planes are taken apart by Gather and not by Slice:
# ONNX Runtime moves a Transpose past a Slice and then takes single bytes out of every pixel.
_COLOUR = {"rgba8": (0, 1, 2), "bgra8": (2, 1, 0)}
_PAD_MODES = {"reflect": "reflect", "edge": "edge", "zero": "constant"}


@dataclass(frozen=True, slots=True)
class ComposedGraph:
    """A core graph between two frames.

    Attributes:
        model: serialized; takes FRAME_IN uint8 (H, W, 4), where the package has a frame input,
            and the package's parameters, states and latent codes; gives FRAME_OUT uint8
            (H', W', 4), the states, and SUM_OUT float32 (1), which is finite when the core's
            picture and every state are: rounding to bytes turns NaN into 0 and infinity into 255.
        source: contract of the input.
        result: contract of the output.
        form: "bytes" where the core's last DepthToSpace was replaced by a move of bytes, "copy"
            where the core changes nothing, else "plain".
        states: what the graph gives for its own next run.
    """

    model: bytes
    source: FrameFormat
    result: FrameFormat
    form: str
    states: tuple[StatePort, ...]


def compose(
    core: onnx.ModelProto, manifest: Manifest, source: FrameFormat, *, plain: bool = False
) -> ComposedGraph:
    """The graph that maps frames of the contract `source` to frames of the same contract.

    Args:
        core: float (1, C, H, W), where it takes a frame, to float (1, C, H * scale, W * scale);
            not changed.
        plain: leave the core as it is, to have something to compare with.
    Raises: FrameFormatError, UnsupportedModelError, GraphMismatchError.
    """
    placement = place(manifest, source.width, source.height)
    result = source.resized(*placement.output)
    port_in, port_out = manifest.frame_input, manifest.frame_output
    assert port_out is not None  # place() has checked
    states = state_ports(core, manifest, placement.model)
    if not plain and _changes_nothing(core, manifest, source, placement):
        return ComposedGraph(_copy(core, source).SerializeToString(), source, result, "copy", ())

    movable = port_in is not None and not plain
    shuffle = final_shuffle(core, port_out, placement) if movable else None
    build = GraphBuilder()
    planes = rgb = None
    if port_in is not None:
        planes = _planes(build, source, placement)
        rgb = _colour_planes(build, planes, source)
        padding = port_in.size.padding if port_in.size.fixed is None else "zero"
        _frame_to_tensor(build, rgb, port_in, source, placement, padding, port_in.name)
    split = len(build.nodes)
    channels = 3 if port_out.channels == "RGB" else 1
    width, height = _model_output(placement, port_out.scale)
    made = Watched(port_out.name, (1, channels, height, width))
    if shuffle is None or planes is None:
        colour = _tensor_to_planes(build, rgb, port_out, source, placement)
        alpha = _alpha_planes(build, planes, source, placement)
        picture = _interleave(build, colour, alpha, source)
    else:
        picture = shuffled_bytes(build, shuffle, planes, source, port_out, placement)
        width, height = placement.model
        made = Watched(shuffle.node.input[0], (1, channels * shuffle.block**2, height, width))
    if source.rows == "bottom_first":
        picture = build.reversed(picture, 0)
    build.add("Identity", [picture], FRAME_OUT)
    watch(build, [made, *(Watched(s.gives, s.shape, s.dtype) for s in states)], SUM_OUT)

    model = _join(core, build, split, source, result, manifest, states, shuffle)
    form = "plain" if shuffle is None else "bytes"
    return ComposedGraph(model.SerializeToString(), source, result, form, tuple(states))


def _changes_nothing(
    core: onnx.ModelProto, manifest: Manifest, source: FrameFormat, placement: Placement
) -> bool:
    """Whether each frame comes back as it is, whatever the way between bytes and floats."""
    ports = [*manifest.inputs, *manifest.outputs]
    nodes = core.graph.node
    if len(ports) != 2 or len(nodes) != 1 or nodes[0].op_type != "Identity":
        return False
    port_in, port_out = manifest.frame_input, manifest.frame_output
    if port_in is None or port_out is None:
        return False
    alike = all(
        getattr(port_in, fact) == getattr(port_out, fact)
        for fact in ("channels", "range", "luma", "transfer")
    )
    whole = (source.width, source.height)
    sizes = {placement.crop[2:], placement.resized, placement.output}
    return alike and sizes == {whole} and source.alpha == "straight"


def _copy(core: onnx.ModelProto, source: FrameFormat) -> onnx.ModelProto:
    """A frame's bytes to a result's, which are always finite."""
    build = GraphBuilder()
    build.add("Identity", [FRAME_IN], FRAME_OUT)
    build.add("Identity", [build.constant([0.0], np.float32)], SUM_OUT)
    frames = [
        helper.make_tensor_value_info(name, TensorProto.UINT8, source.shape)
        for name in (FRAME_IN, FRAME_OUT)
    ]
    total = helper.make_tensor_value_info(SUM_OUT, TensorProto.FLOAT, [1])
    graph = helper.make_graph(
        build.nodes, "copy", frames[:1], [frames[1], total], build.initializers
    )
    return helper.make_model(
        graph, opset_imports=core.opset_import, ir_version=min(core.ir_version, IR_VERSION_MAX)
    )


def compose_initial(states: Sequence[StatePort], manifest: Manifest, source: FrameFormat) -> bytes:
    """The graph that makes states of a frame: of FRAME_IN uint8 (H, W, 4), one output for each
    state, under the name of the port that takes it.

    A state of the size of the model's input is what the frame input would be. One of another size,
    or in a package without a frame input, is what of the frame the model sees, stretched to it, in
    the channels and the range of the frame input, or else of the frame output.
    Raises: UnsupportedModelError: a state is no picture of those channels.
    """
    placement = place(manifest, source.width, source.height)
    port = manifest.frame_input or manifest.frame_output
    assert port is not None  # place() has checked
    padding = "zero"
    if isinstance(port, FrameInput) and port.size.fixed is None:
        padding = port.size.padding
    channels = 3 if port.channels == "RGB" else 1
    build = GraphBuilder()
    rgb = _colour_planes(build, _planes(build, source, placement), source)
    outputs = []
    for state in states:
        if len(state.shape) != 4 or state.shape[:2] != (1, channels):
            raise UnsupportedModelError(
                f"{manifest.name} {state.gives}",
                f"a state (1, {channels}, H, W), for it begins as a frame",
                f"shape {list(state.shape)}",
                'Write `initial = "zeros"`, or another shape of the state.',
            )
        way = placement
        if state.size != placement.model:
            way = Placement(placement.crop, state.size, (0, 0, 0, 0), placement.kept, state.size)
        made = build.unique(state.takes)
        _frame_to_tensor(build, rgb, port, source, way, padding, made)
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(state.dtype))
        build.nodes.append(helper.make_node("Cast", [made], [state.takes], to=kind))
        outputs.append(helper.make_tensor_value_info(state.takes, kind, state.shape))
    return build.serialized("initial", [_frame_value(source)], outputs)


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
    rgb = build.gather(planes, _COLOUR[source.pixel_format], 0)
    return build.add("Unsqueeze", [rgb, build.constant([0], np.int64)])


def _frame_to_tensor(
    build: GraphBuilder, rgb: str, port: FrameInput | FrameOutput, source: FrameFormat,
    placement: Placement, padding: str, output: str,
) -> None:  # fmt: skip
    """Adds the nodes that make `output` of uint8 (1, 3, h, w)."""
    low, high = port.range
    mode = _PAD_MODES[padding]
    resized = placement.resized != placement.crop[2:]
    width, height = placement.crop[2:]
    if any(placement.pad) and not resized:
        rgb = build.pad(rgb, _onnx_pads(placement), mode)
        width, height = placement.model
    shape = (1, 3, height, width)
    if port.channels == "Y":
        luma = _luma(build, values_of_bytes(build, rgb, shape, source.transfer, factor=255), port)
        value = build.affine(luma, (high - low) / 255, low)
    else:
        value = values_of_bytes(build, rgb, shape, source.transfer, factor=high - low, offset=low)
    if resized:
        channels = 1 if port.channels == "Y" else 3
        value = _shrunk(build, value, placement.crop[2:], placement.resized, channels)
        if any(placement.pad):
            # What surrounds the frame is black, and the luma of black need not be 0.
            offset = LUMA[port.luma][1] if port.channels == "Y" else 0.0
            black = low + (high - low) / 255 * offset
            value = build.affine(value, 1, -black)
            value = build.affine(build.pad(value, _onnx_pads(placement), mode), 1, black)
    build.add("Identity", [value], output)


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
    build: GraphBuilder,
    rgb: str | None,
    port: FrameOutput,
    source: FrameFormat,
    placement: Placement,
) -> str:
    """uint8 (1, 3, H, W), RGB, of the core's output; `rgb` is the frame's own, if there is one."""
    low, high = port.range
    value = build.affine(port.name, 1, -low)
    transfer = source.transfer
    x, y, width, height = placement.kept
    if placement.kept[2:] != _model_output(placement, port.scale):
        value = build.slice(value, [y, x], [y + height, x + width], [2, 3])
    channels = 1 if port.channels == "Y" else 3
    if (width, height) != placement.output:
        value = build.resize_linear(value, placement.output[1], placement.output[0], channels)
    if port.channels == "RGB":
        return bytes_of_values(build, value, transfer, factor=high - low)
    weights, offset = LUMA[port.luma]
    value = build.affine(value, 255 / (high - low), 0)
    if rgb is None:
        grey = build.affine(value, 1, -offset)
        grey = bytes_of_values(build, grey, transfer, factor=255 * float(weights.sum()))
        return build.concat([grey] * 3, 1)
    # Only brightness is the model's: the colour is the frame's own. A change of Y at constant
    # Cb and Cr adds the same amount to R, G and B.
    _, _, own_width, own_height = placement.crop
    shape = (1, 3, own_height, own_width)
    colour = values_of_bytes(build, rgb, shape, transfer, factor=255)
    if placement.output != placement.crop[2:]:
        colour = build.resize_linear(colour, placement.output[1], placement.output[0], 3)
    change = build.add("Sub", [value, _luma(build, colour, port)])
    change = build.affine(change, float(1 / weights.sum()), 0)
    return bytes_of_values(build, build.add("Add", [colour, change]), transfer, factor=255)


def _alpha_planes(
    build: GraphBuilder, planes: str | None, source: FrameFormat, placement: Placement
) -> str:
    """uint8 (1, H, W): the frame's own alpha at the result's size, or 255."""
    width, height = placement.output
    if source.alpha == "opaque" or planes is None:
        return build.constant(np.full((1, height, width), 255), np.uint8)
    alpha = build.gather(planes, [3], 0)
    if placement.output == placement.crop[2:]:
        return alpha
    alpha = build.add("Unsqueeze", [alpha, build.constant([0], np.int64)])
    alpha = build.resize_linear(build.dequantize(alpha, 1.0), height, width, 1)
    return build.add("Squeeze", [build.quantize(alpha, 1.0), build.constant([0], np.int64)])


def _interleave(build: GraphBuilder, colour: str, alpha: str, source: FrameFormat) -> str:
    """uint8 (H, W, 4) of uint8 (1, 3, H, W) and (1, H, W)."""
    colour = build.add("Squeeze", [colour, build.constant([0], np.int64)])
    if source.pixel_format == "bgra8":
        colour = build.gather(colour, _COLOUR["bgra8"], 0)
    return build.transpose(build.concat([colour, alpha], 0), [1, 2, 0])


def _model_output(placement: Placement, scale: int) -> tuple[int, int]:
    return placement.model[0] * scale, placement.model[1] * scale


# The whole.


def _join(
    core: onnx.ModelProto,
    build: GraphBuilder,
    split: int,
    source: FrameFormat,
    result: FrameFormat,
    manifest: Manifest,
    states: Sequence[StatePort],
    shuffle: Shuffle | None,
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
    ours = {state.takes for state in states}
    if manifest.frame_input is not None:
        ours.add(manifest.frame_input.name)
        graph.input.append(_frame_value(source))
    graph.input.extend(v for v in core.graph.input if v.name not in ours)
    graph.output.append(helper.make_tensor_value_info(FRAME_OUT, TensorProto.UINT8, result.shape))
    graph.output.append(helper.make_tensor_value_info(SUM_OUT, TensorProto.FLOAT, [1]))
    for state in states:
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(state.dtype))
        graph.input.append(helper.make_tensor_value_info(state.takes, kind, state.shape))
        graph.output.append(helper.make_tensor_value_info(state.gives, kind, state.shape))
    joined.ir_version = min(core.ir_version, IR_VERSION_MAX)
    return joined


def _frame_value(source: FrameFormat) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(FRAME_IN, TensorProto.UINT8, source.shape)


def _check_names(core: onnx.ModelProto) -> None:
    names = [name for node in core.graph.node for name in (*node.input, *node.output)]
    clash = next((name for name in names if name.startswith(PREFIX)), None)
    if clash is not None:
        raise GraphMismatchError(
            core.graph.name or "graph", f"names that do not begin with {PREFIX!r}", repr(clash),
            "Rename the tensor.",
        )  # fmt: skip
