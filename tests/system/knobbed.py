"""Packages with a knob, two of which run well until it is turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput
from bridge.inference.package import IR_VERSION_MAX, OPSET, save

_PICTURE = [1, 3, "h", "w"]


def looping(folder: Path) -> str:
    """Goes through an ONNX Loop `steps` times: it looks at the flag that asks it to stop."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["go_on"]),
            helper.make_node("Mul", ["kept", "nearly"], ["keep"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("kept", TensorProto.FLOAT, _PICTURE),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("keep", TensorProto.FLOAT, _PICTURE),
        ],
    )
    nodes = [helper.make_node("Loop", ["steps", "", "frame"], ["result"], body=body)]
    nearly = np.array(0.9999999, np.float32)
    return save_with_knob(folder, nodes, {"nearly": nearly}, "steps", (1, 10**12))


def heavy(folder: Path) -> str:
    """Multiplies square matrices of `steps` rows: one kernel, which looks at no flag."""
    nodes = [
        helper.make_node("Concat", ["steps", "steps"], ["square"], axis=0),
        helper.make_node("ConstantOfShape", ["square"], ["left"]),
        helper.make_node("MatMul", ["left", "left"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["most"], keepdims=0),
        helper.make_node("Add", ["frame", "most"], ["result"]),
    ]
    return save_with_knob(folder, nodes, {}, "steps", (2, 20000))


def save_with_knob(
    folder: Path,
    nodes: list[onnx.NodeProto],
    weights: dict[str, Any],
    knob: str,
    bounds: tuple[int, int],
) -> str:
    """A package of `frame` and a whole number `knob`, the least by default, to `result`.

    Returns: its folder.
    """
    least, most = bounds
    graph = helper.make_graph(
        nodes,
        folder.name,
        [
            helper.make_tensor_value_info("frame", TensorProto.FLOAT, _PICTURE),
            helper.make_tensor_value_info(knob, TensorProto.INT64, [1]),
        ],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, _PICTURE)],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX
    )
    onnx.checker.check_model(model)
    manifest = Manifest(
        format=1, name=folder.name, version="1.0.0", task="measure", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[
            FrameInput(name="frame"),
            ParameterInput(name=knob, kind="int", default=least, min=least, max=most),
        ],
        outputs=[FrameOutput(name="result")],
    )  # fmt: skip
    return str(save(folder, manifest, {"model.onnx": model.SerializeToString()}).folder)
