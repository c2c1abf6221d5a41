"""Packages whose results can be told beforehand, so that every mistake of a client shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput
from bridge.inference.package import IR_VERSION_MAX, OPSET, save

_PICTURE = [1, 3, "h", "w"]
_FLOAT = TensorProto.FLOAT


def inverted(folder: Path) -> Path:
    """One minus the frame."""
    nodes = [helper.make_node("Sub", ["one", "frame"], ["result"])]
    return _save(folder, nodes, {"one": np.array(1, np.float32)}, [], [])


def crooked(folder: Path) -> Path:
    """Moves the picture down by one row, the top row black, and takes half of red; then times
    `tint` and `strength`. Its other knobs, one of each kind, do nothing."""
    shift = np.zeros((3, 1, 3, 3), np.float32)
    shift[:, 0, 0, 1] = (0.5, 1, 1)
    nodes = [
        helper.make_node("Conv", ["frame", "shift"], ["moved"], group=3, pads=[1, 1, 1, 1]),
        helper.make_node("Reshape", ["tint", "channels"], ["gains"]),
        helper.make_node("Mul", ["moved", "gains"], ["tinted"]),
        helper.make_node("Mul", ["tinted", "strength"], ["result"]),
    ]
    weights = {"shift": shift, "channels": np.array([1, 3, 1, 1], np.int64)}
    knobs = [
        ParameterInput(
            name="strength", kind="float", default=1.0, min=0.0, max=2.0, label="Strength", unit="x"
        ),
        ParameterInput(name="steps", kind="int", default=3, min=1, max=9),
        ParameterInput(name="on", kind="bool", default=True),
        ParameterInput(name="mode", kind="choice", default="soft", choices=["soft", "hard"]),
        ParameterInput(name="tint", kind="colour", default=[1.0, 1.0, 1.0]),
    ]
    ports = [
        helper.make_tensor_value_info("strength", _FLOAT, [1]),
        helper.make_tensor_value_info("steps", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("on", TensorProto.BOOL, [1]),
        helper.make_tensor_value_info("mode", TensorProto.INT64, [1]),
        helper.make_tensor_value_info("tint", _FLOAT, [3]),
    ]
    return _save(folder, nodes, weights, knobs, ports)


def _save(
    folder: Path,
    nodes: list[onnx.NodeProto],
    weights: dict[str, np.ndarray],
    knobs: list[ParameterInput],
    ports: list[onnx.ValueInfoProto],
) -> Path:
    graph = helper.make_graph(
        nodes,
        folder.name,
        [helper.make_tensor_value_info("frame", _FLOAT, _PICTURE), *ports],
        [helper.make_tensor_value_info("result", _FLOAT, _PICTURE)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX
    )
    onnx.checker.check_model(model)
    manifest = Manifest(
        format=1, name=folder.name, version="1.0.0", task="measure", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[FrameInput(name="frame"), *knobs],
        outputs=[FrameOutput(name="result")],
    )  # fmt: skip
    return save(folder, manifest, {"model.onnx": model.SerializeToString()}).folder
