"""What a model makes of NaN and infinity never reaches the screen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from framebridge_client import Bridge, BridgeError
from onnx import TensorProto, helper

from bridge.inference.manifest import FrameInput, FrameOutput, Graph, Manifest, ParameterInput
from bridge.inference.package import save
from tests.system.processes import until


def overflowing(folder: Path, weight: float = 1.0) -> Path:
    """A package whose result is its input times a weight times `gain` squared."""
    picture = [1, 3, "h", "w"]
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["input", "weight"], ["weighted"]),
            helper.make_node("Mul", ["weighted", "gain"], ["once"]),
            helper.make_node("Mul", ["once", "gain"], ["output"]),
        ],
        "overflowing",
        [
            helper.make_tensor_value_info("input", TensorProto.FLOAT, picture),
            helper.make_tensor_value_info("gain", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, picture)],
        [helper.make_tensor("weight", TensorProto.FLOAT, [], [weight])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)
    onnx.checker.check_model(model)
    manifest = Manifest(
        format=1,
        name="overflowing",
        version="1.0.0",
        task="measure",
        license="MIT",
        graphs=[Graph(file="model.onnx", precision="float32", sha256="0" * 64)],
        inputs=[
            FrameInput(name="input"),
            ParameterInput(name="gain", kind="float", default=1.0, min=0.0, max=1e30),
        ],
        outputs=[FrameOutput(name="output")],
    )
    return save(folder, manifest, {"model.onnx": model.SerializeToString()}).folder


def test_frames_that_are_not_finite_are_withheld_and_counted(
    bridge: Bridge, tmp_path: Path
) -> None:
    black = np.zeros((32, 32, 4), np.uint8)
    white = np.full((32, 32, 4), 255, np.uint8)
    package = overflowing(tmp_path / "overflowing")
    with bridge.open(str(package), 32, 32, policy="lockstep") as stream:
        assert stream.process(white, 10).pixels.min() == 255
        stream.set(gain=1e30, timeout_s=10)
        for frame in range(20):
            if frame % 2:
                assert stream.process(black, 10).pixels[..., :3].max() == 0
            else:
                with pytest.raises(BridgeError, match="FB-E043"):
                    stream.process(white, 10)
        stream.set(gain=1.0, timeout_s=10)
        assert stream.process(white, 10).pixels.min() == 255
        counters = stream.counters
        assert (counters.withheld, counters.dropped, counters.returned) == (10, 10, 12)

        def row() -> dict:
            return bridge.status()["streams"][0]

        until(lambda: row()["counters"].get("withheld") == 10, "the worker has counted them too")
        assert "FB-E043" in row()["last_error"]


def test_a_model_whose_weights_are_not_finite_loads_and_shows_nothing(
    bridge: Bridge, tmp_path: Path
) -> None:
    package = overflowing(tmp_path / "overflowing", weight=float("nan"))
    with bridge.open(str(package), 32, 32, policy="lockstep") as stream:
        for _ in range(5):
            with pytest.raises(BridgeError, match="NaN or infinity"):
                stream.process(np.full((32, 32, 4), 9, np.uint8), 10)
        assert stream.counters.returned == 0
