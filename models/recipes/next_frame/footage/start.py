"""A next-frame graph that begins from a picture of its own instead of from grey."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

from ..graph import NEXT_STATE, STATE, STATE_SCALE

NOISE = 1 / 16
"""Of 1: how far the noise that a seed draws moves each pixel of the first picture."""
_PREFIX = "start/"

Picture = npt.NDArray[np.float32]


def begin_from(model: onnx.ModelProto, picture: Picture) -> onnx.ModelProto:
    """The graph with its state counted from `picture`, at that picture's size alone.

    A state of zeros is then the picture, and one of noise the picture with a little noise on it: so
    a stream begins with the footage, and each seed goes its own way from there.

    Args:
        model: as `build_graph` makes it, of any height and width.
        picture: float32 (1, 3, H, W), 0 to 1. Stored as float16.
    """
    begun = onnx.ModelProto()
    begun.CopyFrom(model)
    graph = begun.graph
    sides = picture.shape[2:]
    for port in (*graph.input, *graph.output):
        dims = port.type.tensor_type.shape.dim
        if len(dims) == 4:
            for dim, side in zip(dims[2:], sides, strict=True):
                dim.ClearField("value")
                dim.dim_value = side
    for node in graph.node:
        node.input[:] = [_PREFIX + "state" if name == STATE else name for name in node.input]
        node.output[:] = [_PREFIX + "next" if n == NEXT_STATE else n for n in node.output]
    scale = np.float32(NOISE * STATE_SCALE)
    for name, values in (
        ("picture", ((picture - 0.5) * STATE_SCALE).astype(np.float16)),
        ("scale", np.array([scale])),
        ("back", np.array([1 / scale], np.float32)),
    ):
        graph.initializer.append(numpy_helper.from_array(values, _PREFIX + name))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(
        [
            _node("Cast", ["picture"], "wide", to=1),
            _node("Mul", [STATE, "scale"], "noise"),
            _node("Add", ["noise", "wide"], "state"),
            *nodes,
            _node("Sub", ["next", "wide"], "moved"),
            _node("Mul", ["moved", "back"], NEXT_STATE),
        ]
    )
    onnx.checker.check_model(begun, full_check=True)
    return begun


def state_of(frame: Picture, picture: Picture) -> Picture:
    """The state with which a graph of `begin_from(..., picture)` sees `frame`."""
    stored = ((picture - 0.5) * STATE_SCALE).astype(np.float16).astype(np.float32)
    state: Picture = ((frame - 0.5) * STATE_SCALE - stored) / np.float32(NOISE * STATE_SCALE)
    return state


def _node(op_type: str, inputs: list[str], output: str, **attributes: int) -> onnx.NodeProto:
    given = [name if name == STATE else _PREFIX + name for name in inputs]
    made = output if output == NEXT_STATE else _PREFIX + output
    return helper.make_node(op_type, given, [made], _PREFIX + op_type + output, **attributes)
