"""A package whose every result byte can be foretold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput
from bridge.inference.package import IR_VERSION_MAX, OPSET, save

ORDERS = {"same": [0, 1, 2], "left": [1, 2, 0], "right": [2, 0, 1]}
MOST_LIFT = 55


def turning(folder: Path, order: list[int]) -> str:
    """A package that puts the three channels in another order and adds `lift` to each byte.

    Returns: the folder.
    """
    picture = [1, 3, "h", "w"]
    nodes = [
        helper.make_node("Gather", ["frame", "order"], ["turned"], axis=1),
        helper.make_node("Cast", ["lift"], ["lift.float"], to=TensorProto.FLOAT),
        helper.make_node("Div", ["lift.float", "white"], ["lifting"]),
        helper.make_node("Add", ["turned", "lifting"], ["result"]),
    ]
    graph = helper.make_graph(
        nodes,
        folder.name,
        [
            helper.make_tensor_value_info("frame", TensorProto.FLOAT, picture),
            helper.make_tensor_value_info("lift", TensorProto.INT64, [1]),
        ],
        [helper.make_tensor_value_info("result", TensorProto.FLOAT, picture)],
        [
            helper.make_tensor("order", TensorProto.INT64, [3], order),
            helper.make_tensor("white", TensorProto.FLOAT, [], [255.0]),
        ],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION_MAX
    )
    onnx.checker.check_model(model)
    manifest = Manifest(
        format=1, name=folder.name, version="1.0.0", task="stylize", license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[
            FrameInput(name="frame"),
            ParameterInput(name="lift", kind="int", default=0, min=0, max=MOST_LIFT),
        ],
        outputs=[FrameOutput(name="result")],
    )  # fmt: skip
    return str(save(folder, manifest, {"model.onnx": model.SerializeToString()}).folder)


def turned(frame: npt.NDArray[np.uint8], order: list[int], lift: int) -> npt.NDArray[np.uint8]:
    """What that package makes of a frame whose colours are at most 255 - `MOST_LIFT`."""
    made = frame.copy()
    made[..., :3] = frame[..., order] + lift
    return made
