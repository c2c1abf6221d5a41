"""Simpler graphs that give the same."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.inference.manifest import FrameInput, FrameOutput
from converters import parity
from converters.apart import packed_all
from converters.architectures.base import Network
from converters.optimise import difference, optimise, simplified
from tests.converters.proving import openvino_run


def ballast() -> onnx.ModelProto:
    """A layer whose kernel is calculated from constants, with idle nodes around it."""
    random = np.random.default_rng(0)
    kernel = random.standard_normal((3 * 9, 3)).astype(np.float32) / 5
    nodes = [
        helper.make_node("Identity", ["x"], ["a"]),
        helper.make_node("Constant", [], ["shape"], value_ints=[3, 3, 3, 3]),
        helper.make_node("Reshape", ["flat", "shape"], ["kernel"]),
        helper.make_node("Conv", ["a", "kernel"], ["b"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["nobody reads this"]),
        helper.make_node("Add", ["b", "one"], ["c"]),
        helper.make_node("Add", ["c", "also one"], ["d"]),
        helper.make_node("Identity", ["d"], ["y"]),
    ]
    picture = [1, 3, "H", "W"]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, picture)],
        [numpy_helper.from_array(kernel, "flat"),
         *(numpy_helper.from_array(np.float32(1), n) for n in ("one", "also one"))],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10)


def network(model: onnx.ModelProto) -> Network:
    return Network(
        model=model, task="stylize", inputs=[FrameInput(name="x")],
        outputs=[FrameOutput(name="y")], title="it", description="", try_size=(21, 16),
    )  # fmt: skip


def request(model: onnx.ModelProto) -> dict[str, Any]:
    inputs = packed_all(parity.inputs_for(network(ballast())))
    return {
        "model": model.SerializeToString(), "way": "our own passes", "tried": [inputs],
        "spans": {"y": 255.0},
    }  # fmt: skip


def apart(network: Network, model: onnx.ModelProto) -> float:
    inputs = parity.inputs_for(network, (33, 18))
    (ours,) = parity.run(model.SerializeToString(), inputs).values()
    theirs = openvino_run(network.model, inputs)["y"]
    return float(np.abs(ours - theirs).max() * 255)


def test_our_own_passes_leave_what_does_the_work() -> None:
    answer = simplified(request(ballast()))
    assert answer["problem"] == ""
    model = onnx.ModelProto()
    model.ParseFromString(answer["model"])
    kinds = Counter(node.op_type for node in model.graph.node)
    # The last Identity makes the result, and stays.
    assert kinds == {"Conv": 1, "Add": 2, "Identity": 1}
    assert len(model.graph.initializer) == 2
    assert apart(network(ballast()), model) < 1e-2


def test_a_network_is_simplified_and_gives_the_same() -> None:
    plain = network(ballast())
    found = optimise(plain)
    assert len(found.network.model.graph.node) < len(plain.model.graph.node)
    assert "run beside the original" in found.notes[0]
    assert apart(plain, found.network.model) < 1e-2
    again = optimise(found.network)
    assert again.network is found.network
    assert "nothing to simplify" in again.notes[0]


def changed(change: Any) -> str:
    model = ballast()
    change(model)
    return difference(ballast(), model, [parity.inputs_for(network(ballast()))], {"y": 255.0})


def test_a_graph_that_became_another_is_not_taken() -> None:
    def heavier(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        tensor.CopyFrom(
            numpy_helper.from_array(numpy_helper.to_array(tensor) * np.float32(1.001), tensor.name)
        )

    def fixed(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 16

    def newer(model: onnx.ModelProto) -> None:
        model.opset_import[0].version = 18

    def other_name(model: onnx.ModelProto) -> None:
        model.graph.output[0].name = model.graph.node[-1].output[0] = "z"

    assert changed(lambda model: None) == ""
    assert "of 255" in changed(heavier)
    assert "inputs" in changed(fixed)
    assert "opsets" in changed(newer)
    assert "outputs" in changed(other_name)


def test_constants_that_would_fill_the_file_stay_calculated() -> None:
    model = ballast()
    picture = model.graph.output[0]
    model.graph.node.insert(0, helper.make_node("ConstantOfShape", ["large"], ["zeros"]))
    model.graph.node.insert(1, helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=0))
    model.graph.node.append(helper.make_node("Add", ["y", "zero"], ["z"]))
    model.graph.initializer.append(
        numpy_helper.from_array(np.array([1 << 12, 1 << 10], np.int64), "large")
    )
    picture.name = "z"
    answer = simplified(request(model))
    assert answer["problem"] == ""
    assert len(answer["model"]) < 1 << 14
